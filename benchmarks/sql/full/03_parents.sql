-- What the names of a table mean: an id, else another name of a model, else an id in another case
-- (the smallest). Names that mean nothing have a null model.
CREATE MACRO answers(asked) AS TABLE
WITH named AS (
    SELECT
        asked.name,
        lower(asked.name) AS lowered,
        coalesce(models.model, other_names.model) AS model,
        CASE
            WHEN models.model IS NOT NULL THEN 'exact'
            WHEN other_names.model IS NOT NULL THEN 'renamed'
        END AS resolution
    FROM query_table(asked) AS asked
    LEFT JOIN models ON models.id = asked.name
    LEFT JOIN other_names ON other_names.name = asked.name
),
recased AS (
    SELECT lower(id) AS lowered, arg_min(model, id) AS model
    FROM models
    WHERE lower(id) IN (SELECT lowered FROM named WHERE model IS NULL)
    GROUP BY lower(id)
)
SELECT
    name,
    coalesce(named.model, recased.model) AS model,
    coalesce(resolution, CASE WHEN recased.model IS NULL THEN 'unknown' ELSE 'recased' END)
        AS resolution
FROM named
LEFT JOIN recased USING (lowered);

-- What people wrote of a model: the first row that fills it.
CREATE TABLE annotation_names AS
SELECT DISTINCT id AS name
FROM annotation_rows
WHERE reason IS NULL AND trim(derived_from, ' ') <> '';

CREATE TABLE annotated AS
SELECT model, arg_min(derived_from, place) AS derived_from
FROM annotation_rows
JOIN answers('annotation_names') ON name = id
WHERE reason IS NULL AND trim(derived_from, ' ') <> '' AND model IS NOT NULL
GROUP BY model;

CREATE MACRO relation_or_null(word) AS
    CASE WHEN word IN ('finetune', 'adapter', 'quantized', 'merge') THEN word END;

CREATE MACRO entries_of(names) AS
    list_transform(names, lambda name: {'name': name, 'hub_id': NULL::VARCHAR});

-- What tags and library tell of how a model was derived.
CREATE MACRO kind_of_words(tags, library) AS CASE
    WHEN list_has_any(tags, ['merge', 'mergekit']) THEN 'merge'
    WHEN list_has_any(list_append(tags, library), [
        'gguf', 'gptq', 'awq', 'exl2', 'bitsandbytes', '4-bit', '8-bit', '2-bit', '3-bit', '5-bit',
        '6-bit', 'quantized', 'hqq', 'aqlm', 'eetq', 'fp8', 'ctranslate2'
    ]) THEN 'quantized'
    WHEN list_has_any(
        list_append(tags, library), ['peft', 'lora', 'adapter-transformers', 'adapters']
    ) THEN 'adapter'
    WHEN list_has_any(list_append(tags, library), [
        'onnx', 'openvino', 'coreml', 'mlx', 'tflite', 'tensorrt', 'rknn', 'transformers.js',
        'litert'
    ]) THEN 'repackaged'
    ELSE 'finetune'
END;

-- The first source that names a parent gives the whole list: annotation, card, baseModels, tags. A
-- name that only a relation's tag has follows as not listed: it may be another name of a parent
-- that is, and tells its relation.
CREATE TABLE listed AS
WITH telling AS (
    SELECT
        model,
        derived_from,
        CASE
            WHEN contains(cardData, 'base_model') OR contains(cardData, '\u')
                THEN nullif(cardData, '')
        END AS card,
        list_filter(baseModels.models, lambda member: member.id <> '') AS members,
        baseModels.relation AS hub_relation,
        list_filter(tags, lambda tag: starts_with(tag, 'base_model:'))
            .list_transform(lambda tag: regexp_extract(
                tag,
                '(?s)^base_model:(?:(finetune|adapter|quantized|merge):)?(.*)$',
                ['relation', 'name']
            ))
            .list_filter(lambda tag: tag.name <> '') AS parent_tags,
        tags,
        library_name
    FROM read_parquet(getvariable('models'), file_row_number = true) AS landed
    JOIN models ON models.file = landed.file_index AND models.row = landed.file_row_number + 1
    LEFT JOIN annotated USING (model)
    WHERE derived_from IS NOT NULL
        OR card IS NOT NULL
        OR len(members) > 0
        OR len(parent_tags) > 0
),
sources AS (
    SELECT
        * EXCLUDE (card, hub_relation),
        lower(trim(derived_from, ' ')) = 'no' AS is_no,
        string_split_regex(derived_from, '[,;]')
            .list_transform(lambda name: trim(name, ' '))
            .list_filter(lambda name: name <> '') AS annotation,
        CASE json_type(card, '$.base_model')
            WHEN 'VARCHAR' THEN [json_extract_string(card, '$.base_model')]
            WHEN 'ARRAY' THEN list_filter(
                json_extract(card, '$.base_model[*]'), lambda item: json_type(item) = 'VARCHAR'
            ).list_transform(lambda item: json_extract_string(item, '$'))
        END
        .list_filter(lambda name: name <> '') AS card_names,
        coalesce(
            relation_or_null(json_extract_string(card, '$.base_model_relation')),
            relation_or_null(hub_relation)
        ) AS relation
    FROM telling
),
chosen AS (
    SELECT
        model,
        CASE
            WHEN is_no OR len(annotation) > 0 THEN 'annotation'
            WHEN len(card_names) > 0 THEN 'card'
            WHEN len(members) > 0 THEN 'baseModels'
            ELSE 'tags'
        END AS source,
        CASE source
            WHEN 'annotation' THEN entries_of(CASE WHEN is_no THEN [NULL] ELSE annotation END)
            WHEN 'card' THEN entries_of(card_names)
            WHEN 'baseModels'
                THEN list_transform(members, lambda m: {'name': m.id, 'hub_id': nullif(m._id, '')})
            ELSE entries_of(list_transform(parent_tags, lambda tag: tag.name))
        END AS entries,
        relation,
        CASE
            WHEN relation IS NULL THEN list_filter(parent_tags, lambda tag: tag.relation <> '')
        END AS pairs,
        -- most relations are documented, and then this says nothing
        CASE
            WHEN relation IS NULL THEN kind_of_words(
                list_transform(coalesce(tags, []), lambda tag: lower(tag)), lower(library_name)
            )
        END AS kind_by_words
    FROM sources
)
SELECT
    model,
    source,
    position,
    position <= len(entries) AS is_listed,
    entry.name AS name,
    entry.hub_id AS hub_id,
    coalesce(
        relation,
        list_filter(pairs, lambda pair: pair.name = entry.name)[1].relation
    ) AS relation,
    kind_by_words
FROM (
    SELECT *, unnest(whole) AS entry, generate_subscripts(whole, 1) AS position
    FROM (
        SELECT
            *,
            list_concat(
                entries,
                entries_of(list_transform(
                    list_filter(
                        pairs,
                        lambda pair: NOT list_contains(
                            list_transform(entries, lambda listed: listed.name), pair.name
                        )
                    ),
                    lambda pair: pair.name
                ))
            ) AS whole
        FROM chosen
    )
    WHERE len(entries) > 0
);
