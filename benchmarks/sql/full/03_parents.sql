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

-- What tags and library tell of how a model was derived: the first kind that one of them names.
CREATE MACRO rank_of(word) AS map_extract_value(MAP {
    'merge': 1, 'mergekit': 1,
    'gguf': 2, 'gptq': 2, 'awq': 2, 'exl2': 2, 'bitsandbytes': 2, '4-bit': 2, '8-bit': 2,
    '2-bit': 2, '3-bit': 2, '5-bit': 2, '6-bit': 2, 'quantized': 2, 'hqq': 2, 'aqlm': 2, 'eetq': 2,
    'fp8': 2, 'ctranslate2': 2,
    'peft': 3, 'lora': 3, 'adapter-transformers': 3, 'adapters': 3,
    'onnx': 4, 'openvino': 4, 'coreml': 4, 'mlx': 4, 'tflite': 4, 'tensorrt': 4, 'rknn': 4,
    'transformers.js': 4, 'litert': 4
}, lower(word));

CREATE MACRO kind_of_words(tags, library) AS coalesce(
    ['merge', 'quantized', 'adapter', 'repackaged'][
        least(list_min(list_transform(tags, lambda tag: rank_of(tag))), nullif(rank_of(library), 1))
    ],
    'finetune'
);

-- A key may be written with escapes, too. Cards in rejected rows are never parsed.
CREATE MACRO may_name_parents(card) AS
    card <> '' AND (contains(card, 'base_model') OR contains(card, '\u'));

-- Most models tell nothing of parents. Tags are taken apart only where card and baseModels leave
-- something open.
CREATE TABLE told AS
WITH telling AS MATERIALIZED (
    SELECT
        model,
        derived_from,
        CASE
            WHEN may_name_parents(cardData)
                THEN json_extract(cardData, ['$.base_model', '$.base_model_relation'])
        END AS card,
        list_filter(baseModels.models, lambda member: member.id <> '') AS members,
        baseModels.relation AS hub_relation,
        tags,
        library_name
    FROM read_parquet(getvariable('models'), file_row_number = true) AS landed
    JOIN models ON models.file = landed.file_index AND models.row = landed.file_row_number + 1
    LEFT JOIN annotated USING (model)
    WHERE derived_from IS NOT NULL
        OR may_name_parents(cardData)
        OR len(baseModels.models) > 0
        OR len(list_filter(tags, lambda tag: starts_with(tag, 'base_model:'))) > 0
),
sources AS (
    SELECT
        model,
        lower(trim(derived_from, ' ')) = 'no' AS is_no,
        string_split_regex(derived_from, '[,;]')
            .list_transform(lambda name: trim(name, ' '))
            .list_filter(lambda name: name <> '') AS annotation,
        CASE json_type(card[1])
            WHEN 'VARCHAR' THEN [json_extract_string(card[1], '$')]
            WHEN 'ARRAY' THEN list_filter(
                json_extract(card[1], '$[*]'), lambda item: json_type(item) = 'VARCHAR'
            ).list_transform(lambda item: json_extract_string(item, '$'))
        END
        .list_filter(lambda name: name <> '') AS card_names,
        members,
        coalesce(
            relation_or_null(json_extract_string(card[2], '$')),
            relation_or_null(hub_relation)
        ) AS relation,
        tags,
        library_name
    FROM telling
),
chosen AS (
    SELECT
        *,
        CASE
            WHEN is_no OR len(annotation) > 0 THEN 'annotation'
            WHEN len(card_names) > 0 THEN 'card'
            WHEN len(members) > 0 THEN 'baseModels'
            ELSE 'tags'
        END AS source
    FROM sources
),
tagged AS (
    SELECT
        *,
        CASE
            WHEN relation IS NULL OR source = 'tags' THEN
                list_filter(tags, lambda tag: starts_with(tag, 'base_model:'))
                .list_transform(lambda tag: regexp_extract(
                    tag,
                    '(?s)^base_model:(?:(finetune|adapter|quantized|merge):)?(.*)$',
                    ['relation', 'name']
                ))
                .list_filter(lambda tag: tag.name <> '')
        END AS parent_tags
    FROM chosen
)
SELECT
    model,
    source,
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
    CASE
        WHEN relation IS NULL THEN kind_of_words(tags, library_name)
    END AS kind_by_words
FROM tagged;

-- The first source that names a parent gives the whole list: annotation, card, baseModels, tags. A
-- name that only a relation's tag has follows as not listed: it may be one of a parent that is, and
-- tells its relation. So does the name of an entry with an `_id`, which may settle another parent.
CREATE TABLE listed AS
SELECT
    model,
    source,
    position,
    position <= len(entries) AS is_listed,
    entry.name AS name,
    entry.hub_id AS hub_id,
    coalesce(
        relation,
        CASE
            WHEN entry.hub_id IS NULL
                THEN list_filter(pairs, lambda pair: pair.name = entry.name)[1].relation
        END
    ) AS relation,
    kind_by_words
FROM (
    SELECT *, unnest(whole) AS entry, generate_subscripts(whole, 1) AS position
    FROM (
        SELECT
            *,
            CASE
                WHEN len(pairs) > 0 THEN list_concat(
                    entries,
                    entries_of(list_transform(
                        list_filter(
                            pairs,
                            lambda pair: NOT list_contains(
                                list_transform(
                                    list_filter(entries, lambda listed: listed.hub_id IS NULL),
                                    lambda listed: listed.name
                                ),
                                pair.name
                            )
                        ),
                        lambda pair: pair.name
                    ))
                )
                ELSE entries
            END AS whole
        FROM told
        WHERE len(entries) > 0
    )
);
