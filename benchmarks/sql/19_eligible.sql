-- When a unit has an eligible model: disjoint spans of weeks. A span that begins later ends later,
-- as all are as long as the window; it is cut where the one before it ends, if need be to nothing.
CREATE TABLE spans AS
WITH dated AS (
    SELECT
        (generate_subscripts(units, 1) - 1)::TINYINT AS cell,
        unnest(units) AS unit,
        first_week,
        last_week_365,
        last_week_182
    FROM member_units
    WHERE first_week IS NOT NULL
),
merged AS (
    SELECT
        cell,
        unit,
        first_week,
        max(last_week_365) AS last_week_365,
        max(last_week_182) AS last_week_182
    FROM dated
    WHERE unit IS NOT NULL
    GROUP BY cell, unit, first_week
)
SELECT
    *,
    row_number() OVER earlier = 1 AS is_first,
    greatest(first_week, 1 + lag(last_week_365) OVER earlier) AS first_week_365,
    greatest(first_week, 1 + lag(last_week_182) OVER earlier) AS first_week_182
FROM merged
WINDOW earlier AS (PARTITION BY cell, unit ORDER BY first_week);

-- Units with downloads that are not eligible in the week: counted before their creation, or without
-- a creation date.
CREATE TABLE extras AS
WITH early AS (
    SELECT DISTINCT cell, unit, week, recency
    FROM (
        SELECT
            (generate_subscripts(units, 1) - 1)::TINYINT AS cell,
            unnest(units) AS unit,
            week,
            recency
        FROM usage
        JOIN member_units ON member = usage.unit
        WHERE is_early
    )
    WHERE unit IS NOT NULL
)
SELECT cell, windows.recency, week, count(DISTINCT unit) AS units
FROM early
JOIN windows ON windows.recency <= early.recency
WHERE NOT EXISTS (
    FROM spans
    WHERE spans.cell = early.cell AND spans.unit = early.unit
        AND week BETWEEN first_week AND CASE windows.recency
            WHEN 0 THEN 32767 WHEN 1 THEN last_week_365 ELSE last_week_182
        END
)
GROUP BY cell, windows.recency, week;

CREATE TABLE eligible AS
WITH changes AS (
    SELECT cell, recency, week, sum(change) AS change
    FROM (
        SELECT cell, 0 AS recency, first_week AS week, 1 AS change FROM spans WHERE is_first
        UNION ALL
        SELECT cell, 1, first_week_365, 1 FROM spans
        UNION ALL
        SELECT cell, 1, last_week_365 + 1, -1 FROM spans
        UNION ALL
        SELECT cell, 2, first_week_182, 1 FROM spans
        UNION ALL
        SELECT cell, 2, last_week_182 + 1, -1 FROM spans
    )
    GROUP BY cell, recency, week
)
SELECT cell, recency, weeks.week, sum(change)::BIGINT AS units
FROM changes
JOIN weeks ON changes.week <= weeks.week
GROUP BY cell, recency, weeks.week;
