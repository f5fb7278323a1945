-- The distinct parents of every model, in the order of its list; null where not in models/. The
-- Hub's immutable id, where there is one, settles which model is meant. What is not listed comes
-- after all that is, so that a parent whose first place is there is none.
CREATE TABLE links AS
WITH by_hub_id AS (
    SELECT hub_id, model FROM models WHERE hub_id IN (SELECT hub_id FROM listed)
),
found AS (
    SELECT
        listed.*,
        coalesce(by_hub_id.model, resolved.model) AS parent,
        CASE WHEN parent IS NULL THEN listed.name END AS missing
    FROM listed
    LEFT JOIN resolved ON resolved.name = listed.name
    LEFT JOIN by_hub_id ON by_hub_id.hub_id = listed.hub_id
)
SELECT
    model,
    parent,
    source,
    kind_by_words,
    min(position) AS position,
    arg_min(name, position) AS name,
    arg_min(relation, position) AS relation
FROM found
GROUP BY model, parent, missing, source, kind_by_words
HAVING arg_min(is_listed, position);

-- Of the parents that are not the model itself the first decides.
CREATE TABLE first_parents AS
SELECT
    model,
    first_other.parent AS parent,
    CASE
        WHEN first_other.parent IS NOT NULL THEN 'attributed'
        WHEN first_other IS NOT NULL THEN 'parent_missing'
        WHEN self_parent_count > 0 THEN 'self'
        ELSE 'root' -- an annotated `No`
    END AS status,
    first_other.name AS parent_name,
    source AS parent_source,
    first_other.relation AS relation,
    CASE
        WHEN parent_count > 0 THEN coalesce(
            first_other.relation, CASE WHEN parent_count > 1 THEN 'merge' END, kind_by_words
        )
    END AS kind,
    parent_count,
    self_parent_count
FROM (
    SELECT
        model,
        source,
        kind_by_words,
        arg_min({'parent': parent, 'name': name, 'relation': relation}, position)
            FILTER (WHERE is_other) AS first_other,
        count_if(is_other)::INTEGER AS parent_count,
        count_if(parent = model)::INTEGER AS self_parent_count
    FROM (
        SELECT *, parent IS DISTINCT FROM model AND name IS NOT NULL AS is_other FROM links
    )
    GROUP BY model, source, kind_by_words
);
