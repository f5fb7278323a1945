-- The 1,000 largest units of each week, cell and window. The downloads of the last of them are
-- known by now: one look at every row finds the candidates, and only those are ranked.
CREATE TABLE leaders AS
WITH cuts AS (
    SELECT
        cell,
        week,
        max(x_of_last) FILTER (WHERE recency = 0) AS from_none,
        max(x_of_last) FILTER (WHERE recency = 1) AS from_365,
        max(x_of_last) FILTER (WHERE recency = 2) AS from_182
    FROM measured
    GROUP BY cell, week
),
lowest AS (
    SELECT week, min(from_none) AS from_none, min(from_365) AS from_365, min(from_182) AS from_182
    FROM cuts
    WHERE cell IN (0, 1, 2, 3, 10, 11) -- the others have no rows of `usage`
    GROUP BY week
),
large AS MATERIALIZED (
    SELECT usage.*
    FROM usage
    JOIN lowest USING (week)
    -- the least of all weeks already drops nearly all rows, before the join
    WHERE x >= (SELECT min(least(from_none, from_365, from_182)) FROM lowest)
        AND x >= CASE recency
            WHEN 0 THEN from_none
            WHEN 1 THEN least(from_none, from_365)
            ELSE least(from_none, from_365, from_182)
        END
),
candidates AS (
    SELECT 0::TINYINT AS cell, week, unit, recency, x FROM large
    UNION ALL
    SELECT 1, week, root, recency, x FROM large WHERE is_only_of_root
    UNION ALL
    SELECT 2, week, developer, recency, x FROM large WHERE is_only_of_developer
    UNION ALL
    SELECT 3, week, root_developer, recency, x FROM large WHERE is_only_of_root_developer
    UNION ALL
    SELECT 10, week, organization, recency, x FROM large WHERE is_only_of_organization
    UNION ALL
    SELECT 11, week, root_organization, recency, x FROM large WHERE is_only_of_root_organization
),
windowed AS (
    SELECT cell, week, 0 AS recency, unit, x FROM candidates
    UNION ALL
    SELECT cell, week, 1, unit, x FROM candidates WHERE recency >= 1
    UNION ALL
    SELECT cell, week, 2, unit, x FROM candidates WHERE recency >= 2
    UNION ALL
    SELECT cell, week, 0, unit, x_none
    FROM sums
    JOIN cuts USING (cell, week)
    WHERE x_none >= from_none
    UNION ALL
    SELECT cell, week, 1, unit, x_365
    FROM sums
    JOIN cuts USING (cell, week)
    WHERE x_365 >= from_365
    UNION ALL
    SELECT cell, week, 2, unit, x_182
    FROM sums
    JOIN cuts USING (cell, week)
    WHERE x_182 >= from_182
)
SELECT
    cell,
    week,
    recency,
    unit,
    x,
    row_number() OVER (PARTITION BY cell, week, recency ORDER BY x DESC, unit) AS rank
FROM windowed
JOIN measured USING (cell, week, recency)
WHERE x >= x_of_last AND cell NOT IN (8, 9) -- national scope is not published
QUALIFY rank <= 1000;
