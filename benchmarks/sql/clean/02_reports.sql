-- The one pass over downloads/: names become numbers of models. They are compared by their 64-bit
-- hashes, which 01 found to be distinct among the models; texts are kept only where none is found.
CREATE TABLE reports AS
SELECT
    names.model,
    -- weeks since the Monday 1970-01-05; any weekday belongs to its ISO week
    ((week - DATE '1970-01-05') // 7)::SMALLINT AS week,
    count AS x,
    CASE WHEN names.model IS NULL THEN id END AS unresolved
FROM read_parquet(getvariable('landing') || '/downloads/*.parquet')
LEFT JOIN (
    SELECT hash(id) AS name_hash, model FROM models
    UNION ALL
    SELECT hash(name), model FROM aliases
) AS names ON hash(id) = name_hash;
