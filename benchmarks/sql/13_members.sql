-- What is measured: cells, of a level, its scope and whom downloads are credited to; and windows,
-- numbered by `recency`, the narrower ones inside the wider.
CREATE TABLE cells AS
SELECT cell::TINYINT AS cell, level, scope, attribution
FROM (
    VALUES
        (0, 'model', 'all', 'none'), (1, 'model', 'all', 'root'),
        (2, 'developer', 'all', 'none'), (3, 'developer', 'all', 'root'),
        (4, 'country', 'all', 'none'), (5, 'country', 'all', 'root'),
        (6, 'org_type', 'all', 'none'), (7, 'org_type', 'all', 'root'),
        (8, 'country', 'national', 'none'), (9, 'country', 'national', 'root'),
        (10, 'organization', 'all', 'none'), (11, 'organization', 'all', 'root')
) AS named(cell, level, scope, attribution);

CREATE TABLE windows AS
SELECT recency::TINYINT AS recency, recency_window
FROM (VALUES (0, 'none'), (1, '365d'), (2, '182d')) AS named(recency, recency_window);

CREATE TABLE sized AS
SELECT model, created_day, coalesce(root, model) AS root
FROM population
JOIN models USING (model)
LEFT JOIN lineage USING (model);

CREATE TABLE organizations AS
SELECT
    org,
    organization,
    coalesce(renamed, CASE WHEN country = 'User' THEN 'user' ELSE 'unknown' END) AS org_type,
    CASE
        WHEN renamed = 'user' THEN 'User'
        WHEN country IN ('International', 'Online') THEN 'International/Online'
        ELSE coalesce(country, 'Unknown')
    END AS country
FROM (
    SELECT *, CASE org_type WHEN 'classroom' THEN 'university' ELSE org_type END AS renamed
    FROM organization_rows
);

-- The units of each level, numbered in the byte order of their names: ties by number are ties by
-- name.
CREATE TABLE model_units AS
SELECT
    (row_number() OVER (ORDER BY id) - 1)::INTEGER AS unit,
    model,
    id AS entity,
    CASE WHEN instr(id, '/') > 1 THEN split_part(id, '/', 1) ELSE '(no owner)' END AS developer
FROM models
WHERE model IN (SELECT model FROM sized UNION SELECT root FROM sized);

CREATE TABLE accounts AS
SELECT
    developer,
    coalesce(nullif(organization, ''), developer) AS organization,
    coalesce(country, 'Unknown') AS country,
    coalesce(org_type, 'unknown') AS org_type
FROM (SELECT DISTINCT developer FROM model_units)
LEFT JOIN organizations ON org = developer;

CREATE TABLE countries AS
SELECT
    (row_number() OVER (ORDER BY country) - 1)::INTEGER AS unit,
    country AS entity,
    country NOT IN ('User', 'Unknown', 'International/Online') AS is_nation
FROM (SELECT DISTINCT country FROM accounts);

CREATE TABLE org_types AS
SELECT (row_number() OVER (ORDER BY org_type) - 1)::INTEGER AS unit, org_type AS entity
FROM (SELECT DISTINCT org_type FROM accounts);

-- The pairs of country and kind that occur: a few hundred, so that both levels are one sum.
CREATE TABLE places AS
SELECT
    (row_number() OVER () - 1)::SMALLINT AS place,
    countries.unit AS country,
    CASE WHEN is_nation THEN countries.unit END AS nation,
    org_types.unit AS org_type
FROM (SELECT DISTINCT country, org_type FROM accounts) AS pairs
JOIN countries ON countries.entity = pairs.country
JOIN org_types ON org_types.entity = pairs.org_type;

CREATE TABLE organization_units AS
SELECT (row_number() OVER (ORDER BY organization) - 1)::INTEGER AS unit, organization AS entity
FROM (SELECT DISTINCT organization FROM accounts);

CREATE TABLE developers AS
SELECT
    (row_number() OVER (ORDER BY developer) - 1)::INTEGER AS unit,
    developer AS entity,
    organization_units.unit AS organization,
    place
FROM accounts
JOIN organization_units ON organization_units.entity = accounts.organization
JOIN countries ON countries.entity = accounts.country
JOIN org_types ON org_types.entity = accounts.org_type
JOIN places ON places.country = countries.unit AND places.org_type = org_types.unit;

CREATE TABLE owners AS
SELECT model_units.unit, model, developers.unit AS developer, organization, place
FROM model_units
JOIN developers ON developers.entity = developer;

-- How each member of the population is counted: its unit at every level and attribution, and
-- whether it is the only member there. Most are, and then its downloads are the unit's: no sum.
CREATE TABLE members AS
SELECT
    sized.model,
    own.unit AS unit,
    origin.unit AS root,
    own.developer AS developer,
    origin.developer AS root_developer,
    own.organization AS organization,
    origin.organization AS root_organization,
    own.place AS place,
    origin.place AS root_place,
    count(*) OVER (PARTITION BY origin.unit) = 1 AS is_only_of_root,
    count(*) OVER (PARTITION BY own.developer) = 1 AS is_only_of_developer,
    count(*) OVER (PARTITION BY origin.developer) = 1 AS is_only_of_root_developer,
    count(*) OVER (PARTITION BY own.organization) = 1 AS is_only_of_organization,
    count(*) OVER (PARTITION BY origin.organization) = 1 AS is_only_of_root_organization,
    -- Creation dates in weeks, like everything here: eligible from first_week on, in a window up to
    -- the last Monday before created_date + days. Of an unknown date never, and in no window.
    (created_day - 4) // 7 AS first_week,
    coalesce((created_day + 365 - 5) // 7, -1) AS last_week_365,
    coalesce((created_day + 182 - 5) // 7, -1) AS last_week_182
FROM sized
JOIN owners AS own ON own.model = sized.model
JOIN owners AS origin ON origin.model = sized.root;

-- The unit of every member in every cell, by the cell's number.
CREATE TABLE member_units AS
SELECT
    unit AS member,
    [
        unit, root, developer, root_developer,
        own.country, origin.country, own.org_type, origin.org_type, own.nation, origin.nation,
        organization, root_organization
    ] AS units,
    first_week,
    last_week_365,
    last_week_182
FROM members
JOIN places AS own ON own.place = members.place
JOIN places AS origin ON origin.place = members.root_place;
