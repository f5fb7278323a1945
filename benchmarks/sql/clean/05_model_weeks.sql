-- Downloads of ids that are not in models/ stay: such an id becomes a model behind all others.
CREATE TABLE unknown AS
SELECT
    (getvariable('known') + row_number() OVER () - 1)::INTEGER AS model,
    unresolved AS id
FROM (
    SELECT DISTINCT unresolved
    FROM reports
    JOIN resolved ON name = unresolved
    WHERE resolved.model IS NULL
);

INSERT INTO models SELECT model, id, NULL, false FROM unknown;

-- Only models with several names can have several rows in a week: those few are added up aside, all
-- other rows stay as they are.
CREATE TABLE several_names AS
SELECT model FROM aliases
UNION
SELECT resolved.model FROM reports JOIN resolved ON name = unresolved
WHERE resolved.model IS NOT NULL;

CREATE TABLE added_up AS
SELECT model, week, sum(x)::BIGINT AS x
FROM (
    SELECT model, week, x FROM reports WHERE model IN (FROM several_names)
    UNION ALL
    SELECT coalesce(resolved.model, unknown.model), week, x
    FROM reports
    JOIN resolved ON name = unresolved
    LEFT JOIN unknown ON id = unresolved
)
GROUP BY model, week;

DELETE FROM reports WHERE unresolved IS NOT NULL;
DELETE FROM reports WHERE model IN (FROM several_names);
ALTER TABLE reports DROP COLUMN unresolved;
ALTER TABLE reports RENAME TO model_weeks;
INSERT INTO model_weeks SELECT model, week, x FROM added_up;
