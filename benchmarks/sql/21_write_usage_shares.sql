CREATE TABLE entities AS
SELECT cell, unit, entity
FROM cells
JOIN (
    SELECT 'model' AS level, unit, entity FROM model_units
    UNION ALL
    SELECT 'developer', unit, entity FROM developers
    UNION ALL
    SELECT 'organization', unit, entity FROM organization_units
    UNION ALL
    SELECT 'country', unit, entity FROM countries
    UNION ALL
    SELECT 'org_type', unit, entity FROM org_types
) USING (level)
WHERE scope = 'all';

COPY (
    SELECT
        DATE '1970-01-05' + 7 * week::INTEGER AS week_start,
        level,
        attribution,
        recency_window,
        rank::INTEGER AS rank,
        entity,
        x AS downloads,
        x / s AS share,
        member_count
    FROM (
        SELECT cell, week, recency, rank, entity, x, NULL::BIGINT AS member_count
        FROM leaders
        JOIN entities USING (cell, unit)
        UNION ALL
        SELECT cell, week, recency, NULL, '(rest)', s - top_1000::BIGINT, n - 1000
        FROM measured
        WHERE n > 1000
    )
    JOIN measured USING (cell, week, recency)
    JOIN cells USING (cell)
    JOIN windows USING (recency)
    WHERE scope = 'all'
) TO (getvariable('out') || '/gold_usage_shares.parquet') (FORMAT parquet, COMPRESSION snappy);
