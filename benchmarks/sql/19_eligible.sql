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
WITH early AS MATERIALIZED (
    SELECT * FROM usage WHERE is_early
),
-- A unit with one member is eligible when that is, so never where it is early.
alone AS (
    SELECT
        week, recency, is_only_of_root, is_only_of_developer, is_only_of_root_developer,
        is_only_of_organization, is_only_of_root_organization,
        count(*) AS units
    FROM early
    GROUP BY ALL
),
alone_by_cell AS (
    SELECT 0 AS cell, week, recency, units FROM alone
    UNION ALL
    SELECT 1, week, recency, units FROM alone WHERE is_only_of_root
    UNION ALL
    SELECT 2, week, recency, units FROM alone WHERE is_only_of_developer
    UNION ALL
    SELECT 3, week, recency, units FROM alone WHERE is_only_of_root_developer
    UNION ALL
    SELECT 10, week, recency, units FROM alone WHERE is_only_of_organization
    UNION ALL
    SELECT 11, week, recency, units FROM alone WHERE is_only_of_root_organization
),
of_places AS (
    SELECT 0 AS cell, week, place, max(recency) AS recency FROM early GROUP BY week, place
    UNION ALL
    SELECT 1, week, root_place, max(recency) FROM early GROUP BY week, root_place
),
shared AS (
    SELECT 1 AS cell, week, root AS unit, max(recency) AS recency
    FROM early
    WHERE NOT is_only_of_root
    GROUP BY week, root
    UNION ALL
    SELECT 2, week, developer, max(recency)
    FROM early
    WHERE NOT is_only_of_developer
    GROUP BY week, developer
    UNION ALL
    SELECT 3, week, root_developer, max(recency)
    FROM early
    WHERE NOT is_only_of_root_developer
    GROUP BY week, root_developer
    UNION ALL
    SELECT 10, week, organization, max(recency)
    FROM early
    WHERE NOT is_only_of_organization
    GROUP BY week, organization
    UNION ALL
    SELECT 11, week, root_organization, max(recency)
    FROM early
    WHERE NOT is_only_of_root_organization
    GROUP BY week, root_organization
    UNION ALL
    SELECT cell, week, unit, max(recency)
    FROM (
        SELECT
            unnest([4, 6, 8]) + cell AS cell,
            week,
            unnest([country, org_type, nation]) AS unit,
            recency
        FROM of_places
        JOIN places USING (place)
    )
    WHERE unit IS NOT NULL
    GROUP BY cell, week, unit
)
SELECT cell::TINYINT AS cell, recency, week, sum(units)::BIGINT AS units
FROM (
    SELECT cell, windows.recency, week, units
    FROM alone_by_cell
    JOIN windows ON windows.recency <= alone_by_cell.recency
    UNION ALL
    SELECT cell, windows.recency, week, 1
    FROM shared
    JOIN windows ON windows.recency <= shared.recency
    WHERE NOT EXISTS (
        FROM spans
        WHERE spans.cell = shared.cell AND spans.unit = shared.unit
            AND week BETWEEN first_week AND CASE windows.recency
                WHEN 0 THEN 32767 WHEN 1 THEN last_week_365 ELSE last_week_182
            END
    )
)
GROUP BY cell, recency, week;

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
