-- The first row of a legacy name counts: read in order, here and nowhere else, rows are numbered as
-- they stand in the files.
CREATE TABLE alias_rows AS
SELECT legacy_id, current_id, row_number() OVER () AS place
FROM read_csv(
    getvariable('landing') || '/aliases/*.csv',
    header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {legacy_id: 'VARCHAR', current_id: 'VARCHAR'}
);

SET preserve_insertion_order = false;

-- Every row of models/ gets a number. Floored creation dates come first, so that "floored" and "in
-- models/" are comparisons of numbers later on, no joins.
CREATE TABLE models AS
SELECT
    (row_number() OVER (ORDER BY is_floored DESC) - 1)::INTEGER AS model,
    id,
    created_day,
    is_floored
FROM (
    SELECT
        id,
        (epoch_us(createdAt) // 86_400_000_000)::INTEGER AS created_day,
        -- 2022-03-02T23:29:04Z and :05Z
        coalesce(epoch_us(createdAt) // 1_000_000 IN (1646263744, 1646263745), false) AS is_floored
    FROM read_parquet(getvariable('landing') || '/models/*.parquet')
);

-- Downloads find their model by the hash of its name.
SELECT error('models/ repeats an id, or two ids have one hash')
FROM models
HAVING count(*) <> count(DISTINCT hash(id));

SET VARIABLE known = (SELECT count(*) FROM models);
SET VARIABLE floored = (SELECT count(*) FROM models WHERE is_floored);

-- A name that is in models/ is never renamed.
CREATE TABLE aliases AS
SELECT legacy_id AS name, model
FROM (
    SELECT legacy_id, arg_min(current_id, place) AS current_id
    FROM alias_rows
    ANTI JOIN models ON id = legacy_id
    GROUP BY legacy_id
)
JOIN models ON id = current_id;
