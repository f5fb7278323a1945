-- Downloads by cell, week and unit, in all three windows at once, wherever a unit can have several
-- members; the other units' downloads stay in `usage`, where they are summed up already.
CREATE MACRO summed(of_cell, rows) AS TABLE
SELECT
    of_cell::TINYINT AS cell,
    week,
    unit,
    sum(x_none)::BIGINT AS x_none,
    sum(x_365)::BIGINT AS x_365,
    sum(x_182)::BIGINT AS x_182
FROM query_table(rows)
GROUP BY week, unit;

CREATE VIEW counted AS
SELECT
    * EXCLUDE (unit, x),
    x AS x_none,
    CASE WHEN recency >= 1 THEN x ELSE 0 END AS x_365,
    CASE WHEN recency >= 2 THEN x ELSE 0 END AS x_182
FROM usage;

CREATE TABLE sums AS
WITH of_roots AS (SELECT *, root AS unit FROM counted WHERE NOT is_only_of_root)
FROM summed(1, of_roots);

INSERT INTO sums
WITH of_developers AS (SELECT *, developer AS unit FROM counted WHERE NOT is_only_of_developer)
FROM summed(2, of_developers);

INSERT INTO sums
WITH of_root_developers AS (
    SELECT week, developer AS unit, x_none, x_365, x_182
    FROM sums
    JOIN owners USING (unit)
    WHERE cell = 1
    UNION ALL
    SELECT week, root_developer, x_none, x_365, x_182
    FROM counted
    WHERE is_only_of_root AND NOT is_only_of_root_developer
)
FROM summed(3, of_root_developers);

INSERT INTO sums
WITH of_organizations AS (
    SELECT week, organization AS unit, x_none, x_365, x_182
    FROM sums
    JOIN developers USING (unit)
    WHERE cell = 2
    UNION ALL
    SELECT week, organization, x_none, x_365, x_182
    FROM counted
    WHERE is_only_of_developer AND NOT is_only_of_organization
)
FROM summed(10, of_organizations);

INSERT INTO sums
WITH of_root_organizations AS (
    SELECT week, organization AS unit, x_none, x_365, x_182
    FROM sums
    JOIN developers USING (unit)
    WHERE cell = 3
    UNION ALL
    SELECT week, root_organization, x_none, x_365, x_182
    FROM counted
    WHERE is_only_of_root_developer AND NOT is_only_of_root_organization
)
FROM summed(11, of_root_organizations);

-- A few hundred pairs of country and kind: both levels, and the nations, follow from their sums (0:
-- of the developers themselves, 1: of the roots').
SET perfect_ht_threshold = 24;
CREATE TABLE place_sums AS
WITH of_places AS (SELECT *, place AS unit FROM counted),
of_root_places AS (SELECT *, root_place AS unit FROM counted)
FROM summed(0, of_places)
UNION ALL
FROM summed(1, of_root_places);
RESET perfect_ht_threshold;

INSERT INTO sums
WITH placed AS (
    SELECT
        (unnest([4, 6, 8]) + cell)::TINYINT AS cell,
        week,
        unnest([country, org_type, nation]) AS unit,
        x_none, x_365, x_182
    FROM place_sums
    JOIN places ON place = unit
)
SELECT cell, week, unit, sum(x_none)::BIGINT, sum(x_365)::BIGINT, sum(x_182)::BIGINT
FROM placed
WHERE unit IS NOT NULL
GROUP BY cell, week, unit;
