-- The one pass over downloads/: names become numbers of models. They are compared by their 64-bit
-- hashes, which 01 found to be distinct among the models; texts are kept only where none is found,
-- and rows without a usable week or count are left out.
CREATE TABLE reports AS
SELECT
    models.model,
    -- weeks since the Monday 1970-01-05; any weekday belongs to its ISO week
    ((week - DATE '1970-01-05') // 7)::SMALLINT AS week,
    ((week - DATE '1970-01-05') % 7)::TINYINT AS weekday,
    count AS x,
    CASE WHEN models.model IS NULL THEN downloads.id END AS name
FROM read_parquet(getvariable('downloads')) AS downloads
LEFT JOIN (SELECT hash(id) AS id_hash, model FROM models) AS models ON hash(downloads.id) = id_hash
WHERE count >= 0 AND week BETWEEN DATE '2000-01-01' AND DATE '2099-12-31';

-- Few reports come under names that are no ids of models/.
CREATE TABLE others AS
SELECT name, week, weekday, x, name_reason(name) AS reason FROM reports WHERE model IS NULL;

-- Dates of another weekday would mix weeks up. Unusable names say nothing.
CREATE TABLE weekdays AS
SELECT DISTINCT weekday
FROM (
    SELECT min(weekday) AS weekday FROM reports WHERE model IS NOT NULL
    UNION ALL
    SELECT max(weekday) FROM reports WHERE model IS NOT NULL
    UNION ALL
    SELECT weekday FROM others WHERE reason IS NULL
)
WHERE weekday IS NOT NULL;

SELECT error('downloads/ mixes weekdays') FROM weekdays HAVING count(*) > 1;

SET VARIABLE weekday = (SELECT any_value(weekday) FROM weekdays);
ALTER TABLE reports DROP COLUMN weekday;
SET VARIABLE first_week = (SELECT min(week) FROM reports);
SET VARIABLE last_week = (SELECT max(week) FROM reports);
