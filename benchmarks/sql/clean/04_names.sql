-- The names that 02 did not find, and those of parents: exact, else an alias, else in another case
-- (the smallest such id).
CREATE TABLE resolved AS
WITH wanted AS (
    SELECT unresolved AS name FROM reports WHERE unresolved IS NOT NULL
    UNION
    SELECT name FROM listed
),
named AS (
    SELECT
        wanted.name,
        lower(wanted.name) AS lowered,
        coalesce(models.model, aliases.model) AS model
    FROM wanted
    LEFT JOIN models ON models.id = wanted.name
    LEFT JOIN aliases ON aliases.name = wanted.name
),
recased AS (
    SELECT lower(id) AS lowered, arg_min(model, id) AS model
    FROM models
    WHERE lower(id) IN (SELECT lowered FROM named WHERE model IS NULL)
    GROUP BY lower(id)
)
SELECT name, coalesce(named.model, recased.model) AS model
FROM named
LEFT JOIN recased USING (lowered);
