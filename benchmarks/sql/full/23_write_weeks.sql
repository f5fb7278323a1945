COPY (
    SELECT
        week_start,
        CASE WHEN "rows" IS NOT NULL THEN week_start + getvariable('weekday') END
            AS week_label,
        "rows" IS NULL AS is_missing,
        "rows" IS NULL OR week_start <= coalesce(
            date_trunc('week', getvariable('last_complete_week')::DATE), week_start
        ) AS is_complete,
        gold_weeks.* EXCLUDE (week_start),
        CASE
            WHEN week_start < DATE '2022-02-28' THEN 'windows remove nothing before 2022-03'
            WHEN week_start = DATE '2023-03-06' THEN 'window 365d: censored cohort leaves'
            WHEN week_start = DATE '2022-09-05' THEN 'window 182d: censored cohort leaves'
        END AS known_breaks
    FROM gold_weeks
) TO (getvariable('out') || '/gold_weeks.parquet') (FORMAT parquet, COMPRESSION snappy);
