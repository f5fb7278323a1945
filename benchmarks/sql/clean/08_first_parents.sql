-- Parents of every model as numbers, in the order of its list; null where not in models/. The Hub's
-- immutable id, where there is one, settles which model is meant.
CREATE TABLE links AS
WITH by_hub_id AS (
    SELECT _id AS hub_id, models.model
    FROM read_parquet(getvariable('landing') || '/models/*.parquet') AS landed
    JOIN models ON models.id = landed.id
    WHERE _id IN (SELECT hub_id FROM listed)
)
SELECT
    child.model,
    coalesce(by_hub_id.model, resolved.model) AS parent,
    listed.position
FROM listed
JOIN models AS child ON child.id = listed.id
JOIN resolved ON resolved.name = listed.name
LEFT JOIN by_hub_id ON by_hub_id.hub_id = listed.hub_id;

-- Of the parents that are not the model itself the first decides; -1 is one that is not there.
CREATE TABLE first_parents AS
SELECT
    model,
    nullif(first_other, -1) AS parent,
    CASE
        WHEN first_other IS NULL THEN 'self'
        WHEN first_other = -1 THEN 'parent_missing'
        ELSE 'attributed'
    END AS status
FROM (
    SELECT
        model,
        arg_min(coalesce(parent, -1), position)
            FILTER (WHERE parent IS DISTINCT FROM model) AS first_other
    FROM links
    GROUP BY model
);
