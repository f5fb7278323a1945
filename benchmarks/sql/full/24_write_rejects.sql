-- What a row said, as JSON without nulls.
CREATE MACRO said(row_values) AS json_merge_patch('{}', to_json(row_values))::VARCHAR;
CREATE MACRO moment(t) AS strftime(t AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ');

-- Rows of downloads/ are looked up only where some were not used. What is wrong with their weeks and
-- counts comes first, and of all others the names are known.
SET VARIABLE has_rejects = getvariable('unused_reports') > 0;

CREATE TABLE suspects AS
SELECT name FROM repeats
UNION
SELECT name FROM others WHERE reason IS NOT NULL AND name IS NOT NULL;

CREATE TABLE download_rejects AS
WITH placed AS (
    SELECT
        file_index::INTEGER AS file,
        (file_row_number + 1)::INTEGER AS row,
        week,
        id,
        count,
        CASE
            WHEN NOT is_date(week) THEN 'unparsable_week'
            WHEN week IS NULL THEN 'missing_week'
            WHEN count IS NULL THEN 'missing_count'
            WHEN count < 0 THEN 'negative_count'
            ELSE name_reason(id)
        END AS reason
    FROM read_parquet(getvariable('downloads'), file_row_number = true)
    WHERE getvariable('has_rejects') AND (
        week IS NULL
        OR count IS NULL
        OR id IS NULL
        OR count < 0
        OR NOT is_date(week)
        OR id IN (FROM suspects)
    )
)
SELECT
    file,
    row,
    CASE
        WHEN placed.reason IS NOT NULL THEN placed.reason
        WHEN differ THEN 'conflicting_counts'
        WHEN number > 1 THEN 'duplicate_row'
    END AS final_reason,
    said({'week': placed.week, 'id': id, 'count': count}) AS raw_values
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY placed.reason IS NULL, week, id ORDER BY file, row)
            AS number
    FROM placed
) AS placed
LEFT JOIN repeats ON repeats.name = id AND repeats.week = (placed.week - DATE '1970-01-05') // 7
WHERE final_reason IS NOT NULL;

SET VARIABLE has_rejects = (SELECT count(*) > 0 FROM model_rejects);

CREATE TABLE rejects AS
SELECT
    source_file(getvariable('downloads')[file + 1]) AS source_file,
    row,
    final_reason AS reason,
    raw_values
FROM download_rejects
UNION ALL
SELECT
    source_file(getvariable('models')[file + 1]),
    row,
    reason,
    CASE
        WHEN reason LIKE 'unparsable%' THEN said({
            '_id': _id,
            'id': id,
            'author': author,
            'createdAt': moment(createdAt),
            'lastModified': moment(lastModified),
            'tags': tags,
            'pipeline_tag': pipeline_tag,
            'library_name': library_name,
            'likes': likes,
            'downloads': downloads,
            'downloadsAllTime': downloadsAllTime,
            'usedStorage': usedStorage,
            'gated': gated,
            'cardData': cardData,
            'safetensors': safetensors,
            'gguf': gguf,
            'baseModels': base_models
        })
        ELSE said({
            '_id': _id,
            'id': id,
            'author': author,
            'createdAt': moment(createdAt),
            'lastModified': moment(lastModified),
            'tags': list_filter(tags, lambda tag: tag IS NOT NULL),
            'pipeline_tag': pipeline_tag,
            'library_name': library_name,
            'likes': likes,
            'downloads': downloads,
            'downloadsAllTime': downloadsAllTime,
            'usedStorage': usedStorage,
            'gated': CASE WHEN gated IN ('True', 'False') THEN lower(gated) ELSE gated END,
            'cardData': CASE WHEN cardData NOT IN ('', 'null') THEN cardData END,
            'safetensors': CASE WHEN safetensors IS NOT NULL THEN said(safetensors) END,
            'gguf': CASE WHEN gguf IS NOT NULL THEN said(gguf) END,
            'baseModels': base_models
        })
    END
FROM (
    SELECT
        *,
        file_index::INTEGER AS file,
        (file_row_number + 1)::INTEGER AS row,
        CASE
            WHEN baseModels IS NOT NULL THEN {
                'relation': baseModels.relation,
                'models': list_transform(
                    baseModels.models, lambda m: json_merge_patch('{}', to_json(m))
                )
            }
        END AS base_models
    FROM read_parquet(getvariable('models'), file_row_number = true)
    WHERE getvariable('has_rejects')
)
JOIN model_rejects USING (file, row)
UNION ALL
SELECT
    source_file(filename),
    row,
    final_reason,
    said({'legacy_id': legacy_id, 'current_id': current_id})
FROM alias_rows
WHERE final_reason IS NOT NULL
UNION ALL
SELECT
    source_file(filename),
    row,
    final_reason,
    said({
        'org': org, 'country': country, 'org_type': org_type, 'organization': organization,
        'source': source
    })
FROM organization_file_rows
WHERE final_reason IS NOT NULL
UNION ALL
SELECT source_file(filename), row, reason, said({'id': id, 'derived_from': derived_from})
FROM annotation_rows
WHERE reason IS NOT NULL;

COPY rejects TO (getvariable('out') || '/silver_rejects.parquet')
    (FORMAT parquet, COMPRESSION snappy);
