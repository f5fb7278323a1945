-- The first source that names a parent gives the whole list: card, baseModels, tags; each is looked
-- at only where those before it name none.
CREATE TABLE listed AS
WITH lists AS (
    SELECT
        id,
        coalesce(
            CASE WHEN contains(cardData, '"base_model"') THEN
                CASE json_type(cardData, '$.base_model')
                    WHEN 'VARCHAR' THEN [json_extract_string(cardData, '$.base_model')]
                    WHEN 'ARRAY' THEN nullif(json_extract_string(cardData, '$.base_model[*]'), [])
                END
            END
            .list_transform(lambda name: {'name': name, 'hub_id': NULL::VARCHAR}),
            nullif(baseModels.models, [])
            .list_transform(lambda parent: {'name': parent.id, 'hub_id': parent._id}),
            nullif(list_filter(tags, lambda tag: starts_with(tag, 'base_model:')), [])
            .list_transform(lambda tag: {
                'name': regexp_replace(
                    tag, '^base_model:((finetune|adapter|quantized|merge):)?', ''
                ),
                'hub_id': NULL::VARCHAR
            })
        ) AS entries
    FROM read_parquet(getvariable('landing') || '/models/*.parquet')
)
SELECT
    id,
    unnest(entries, recursive := true),
    generate_subscripts(entries, 1) AS position
FROM lists
WHERE entries IS NOT NULL;
