-- All dates of downloads/ share one weekday, else weeks would be mixed up. A look at the dates alone
-- takes no time; only where they differ it matters which rows are usable.
CREATE MACRO is_date(day) AS day BETWEEN DATE '2000-01-01' AND DATE '2099-12-31';

CREATE TABLE dates AS
SELECT DISTINCT week FROM read_parquet(getvariable('downloads')) WHERE is_date(week);

SET VARIABLE is_mixed = (SELECT count(DISTINCT isodow(week)) > 1 FROM dates);

CREATE TABLE weekdays AS
SELECT DISTINCT isodow(week) - 1 AS weekday
FROM (
    SELECT week FROM dates WHERE NOT getvariable('is_mixed')
    UNION ALL
    SELECT DISTINCT week
    FROM read_parquet(getvariable('downloads'))
    WHERE getvariable('is_mixed') AND is_date(week) AND count >= 0 AND name_reason(id) IS NULL
);

SELECT error('downloads/ mixes weekdays') FROM weekdays HAVING count(*) > 1;

SET VARIABLE weekday = (SELECT any_value(weekday)::INTEGER FROM weekdays);

-- The one pass over downloads/: names become numbers of models. They are compared by their 64-bit
-- hashes, which 01 found to be distinct among the models; texts are kept only where none is found,
-- and rows without a usable week or count are left out.
CREATE TABLE reports AS
SELECT
    models.model,
    -- weeks since the Monday 1970-01-05; any weekday belongs to its ISO week
    ((week - DATE '1970-01-05') // 7)::SMALLINT AS week,
    count AS x,
    CASE WHEN models.model IS NULL THEN downloads.id END AS name
FROM read_parquet(getvariable('downloads')) AS downloads
LEFT JOIN (SELECT hash(id) AS id_hash, model FROM models) AS models ON hash(downloads.id) = id_hash
WHERE count >= 0 AND is_date(week);

SET VARIABLE first_week = (SELECT min(week) FROM reports);
SET VARIABLE last_week = (SELECT max(week) FROM reports);

-- Few reports come under names that are no ids of models/.
CREATE TABLE others AS
SELECT name, week, x, name_reason(name) AS reason FROM reports WHERE model IS NULL;
