-- A dictionary of numbers takes more time to build than it saves in bytes.
COPY (
    SELECT
        model,
        DATE '1970-01-05' + 7 * week::INTEGER AS week_start,
        x AS download_count
    FROM model_weeks
) TO (getvariable('out') || '/silver_model_weeks.parquet')
    (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1);
