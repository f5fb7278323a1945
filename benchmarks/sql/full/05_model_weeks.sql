-- Reports under models' own ids. A model is there once in a week where it has as many rows as weeks,
-- and nearly all have: a bit per week tells, in an array over all models, as their numbers have no
-- gaps. That is several times faster than a hash table of 60 million pairs.
SET perfect_ht_threshold = 24;
CREATE TABLE totals AS
SELECT
    model,
    sum(x)::BIGINT AS x,
    count(*) AS "rows",
    bit_count(bitstring_agg(week, getvariable('first_week'), getvariable('last_week'))) AS weeks
FROM reports
WHERE model IS NOT NULL
GROUP BY model;
RESET perfect_ht_threshold;

-- The same name twice in a week counts once where its counts agree, else not at all.
CREATE TABLE other_reports AS
SELECT name, week, min(x) AS x, resolved.model, resolution
FROM others
JOIN resolved USING (name)
WHERE reason IS NULL
GROUP BY ALL
HAVING min(x) = max(x);

CREATE TABLE repeats AS
SELECT id AS name, week, differ
FROM (
    SELECT model, week, min(x) <> max(x) AS differ
    FROM reports
    WHERE model IN (SELECT model FROM totals WHERE "rows" > weeks)
    GROUP BY model, week
    HAVING count(*) > 1
)
JOIN models USING (model)
UNION ALL
SELECT name, week, min(x) <> max(x)
FROM others
WHERE reason IS NULL
GROUP BY name, week
HAVING count(*) > 1;

-- Downloads of ids that are not in models/ stay: such an id becomes a model behind all others.
CREATE TABLE unknown AS
SELECT (getvariable('known') + row_number() OVER () - 1)::INTEGER AS model, name AS id
FROM (SELECT DISTINCT name FROM other_reports WHERE model IS NULL);

INSERT INTO models (model, id, is_floored) SELECT model, id, false FROM unknown;

-- The few models with repeated reports, or with several names, are settled aside.
CREATE TABLE touched AS
SELECT model FROM totals WHERE "rows" > weeks
UNION
SELECT model FROM other_reports WHERE model IS NOT NULL;

CREATE TABLE settled AS
SELECT
    model,
    week,
    sum(x)::BIGINT AS x,
    nullif(
        concat_ws(
            ',',
            CASE WHEN bool_or(resolution = 'unknown') THEN 'no_metadata' END,
            CASE WHEN bool_or(resolution = 'recased') THEN 'recased' END,
            CASE WHEN bool_or(resolution = 'renamed') THEN 'renamed' END,
            CASE WHEN count(*) > 1 THEN 'summed' END
        ),
        ''
    ) AS flags,
    CASE WHEN bool_or(resolution <> 'exact') THEN list(name ORDER BY name) END AS reported_as,
    count(*) AS names
FROM (
    SELECT model, week, x, id AS name, 'exact' AS resolution
    FROM (
        SELECT model, week, min(x) AS x
        FROM reports
        WHERE model IN (FROM touched)
        GROUP BY model, week
        HAVING min(x) = max(x)
    )
    JOIN models USING (model)
    UNION ALL
    SELECT coalesce(other_reports.model, unknown.model), week, x, name, resolution
    FROM other_reports
    LEFT JOIN unknown ON id = name
)
GROUP BY model, week;

DELETE FROM reports WHERE model IS NULL OR model IN (FROM touched);
DELETE FROM totals WHERE model IN (FROM touched);
INSERT INTO totals
SELECT model, sum(x)::BIGINT, count(*), count(DISTINCT week) FROM settled GROUP BY model;
ALTER TABLE reports DROP COLUMN name;
ALTER TABLE reports RENAME TO model_weeks;

SET VARIABLE used_reports = (
    (SELECT count(*) FROM model_weeks) + (SELECT coalesce(sum(names), 0) FROM settled)
);
SET VARIABLE unused_reports = (
    (SELECT count(*) FROM read_parquet(getvariable('downloads'))) - getvariable('used_reports')
);
