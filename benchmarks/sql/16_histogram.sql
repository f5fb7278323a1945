-- All metrics follow from the histogram: how many units, m, have x downloads. Most units are one
-- row of `usage`, in every cell, so that one aggregate of the rows serves six cells.
CREATE TABLE row_counts AS
SELECT
    week, x, recency, is_only_of_root, is_only_of_developer, is_only_of_root_developer,
    is_only_of_organization, is_only_of_root_organization,
    count(*) AS m
FROM usage
GROUP BY ALL;

-- The running total goes over the whole sorted table: less than half the time of a window per cell
-- and week. A value may be there twice: of units with one member, and of those with several.
CREATE TABLE histogram AS
WITH single AS (
    SELECT 0::TINYINT AS cell, week, x, recency, m FROM row_counts
    UNION ALL
    SELECT 1::TINYINT, week, x, recency, m FROM row_counts WHERE is_only_of_root
    UNION ALL
    SELECT 2::TINYINT, week, x, recency, m FROM row_counts WHERE is_only_of_developer
    UNION ALL
    SELECT 3::TINYINT, week, x, recency, m FROM row_counts WHERE is_only_of_root_developer
    UNION ALL
    SELECT 10::TINYINT, week, x, recency, m FROM row_counts WHERE is_only_of_organization
    UNION ALL
    SELECT 11::TINYINT, week, x, recency, m FROM row_counts WHERE is_only_of_root_organization
)
SELECT *, (sum(m) OVER (ROWS UNBOUNDED PRECEDING))::BIGINT AS running
FROM (
    SELECT cell, 0::TINYINT AS recency, week, x, sum(m)::BIGINT AS m
    FROM single
    GROUP BY cell, week, x
    UNION ALL
    SELECT cell, 1::TINYINT, week, x, sum(m)::BIGINT
    FROM single
    WHERE recency >= 1
    GROUP BY cell, week, x
    UNION ALL
    SELECT cell, 2::TINYINT, week, x, sum(m)::BIGINT
    FROM single
    WHERE recency >= 2
    GROUP BY cell, week, x
    UNION ALL
    SELECT cell, 0::TINYINT, week, x_none, count(*)
    FROM sums
    GROUP BY cell, week, x_none
    UNION ALL
    SELECT cell, 1::TINYINT, week, x_365, count(*)
    FROM sums
    WHERE x_365 > 0
    GROUP BY cell, week, x_365
    UNION ALL
    SELECT cell, 2::TINYINT, week, x_182, count(*)
    FROM sums
    WHERE x_182 > 0
    GROUP BY cell, week, x_182
    ORDER BY cell, recency, week, x
);
