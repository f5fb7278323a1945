-- A dictionary of numbers takes more time to build than it saves in bytes.
COPY (
    SELECT
        model,
        DATE '1970-01-05' + 7 * week::INTEGER AS week_start,
        x AS download_count,
        flags,
        DATE '1970-01-05' + (7 * week::INTEGER + getvariable('weekday')) AS week_label,
        reported_as
    FROM (
        SELECT model, week, x, NULL::VARCHAR AS flags, NULL::VARCHAR[] AS reported_as
        FROM model_weeks
        UNION ALL
        SELECT model, week, x, flags, reported_as FROM settled
    )
) TO (getvariable('out') || '/silver_model_weeks.parquet')
    (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1);

INSERT INTO model_weeks SELECT model, week, x FROM settled;
