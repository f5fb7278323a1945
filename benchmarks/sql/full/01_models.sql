-- What makes a name useless, else null.
CREATE MACRO name_reason(name) AS CASE
    WHEN name IS NULL OR name = '' THEN 'empty_id'
    WHEN length(name) > 300 OR regexp_matches(name, '[\x00-\x1f\x7f-\x{9f}]') THEN 'invalid_id'
END;

-- Whether a text is a JSON object. DuckDB takes NaN, Infinity and a comma behind the last item for
-- JSON: the few texts that may have one are looked at again without their strings.
CREATE MACRO is_object(text) AS CASE
    WHEN NOT json_valid(text) THEN false
    WHEN NOT starts_with(text, '{') AND json_type(text) <> 'OBJECT' THEN false
    WHEN regexp_matches(text, '[:,[\s]-?(?i:nan|inf)|,\s*[]}]')
        THEN NOT regexp_matches(
            regexp_replace(text, '"(\\.|[^"\\])*"', '', 'g'), '(?i)nan|inf|,\s*[]}]'
        )
    ELSE true
END;

-- A path below the landing.
CREATE MACRO source_file(path) AS substr(path, length(getvariable('landing')) + 2);

-- Rows of small files are numbered as they are read, here and nowhere else: in order.
CREATE TABLE alias_rows AS
SELECT
    *,
    coalesce(
        reason,
        CASE
            WHEN row_number() OVER (PARTITION BY reason IS NULL, legacy_id ORDER BY place) > 1
                THEN 'ambiguous_alias'
        END
    ) AS final_reason,
    row_number() OVER (PARTITION BY filename ORDER BY place) AS row
FROM (
    SELECT
        *,
        row_number() OVER () AS place,
        CASE
            WHEN 'empty_id' IN (name_reason(legacy_id), name_reason(current_id)) THEN 'empty_id'
            ELSE coalesce(name_reason(legacy_id), name_reason(current_id))
        END AS reason
    FROM read_csv(
        getvariable('aliases'),
        header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
        columns = {legacy_id: 'VARCHAR', current_id: 'VARCHAR'}, filename = true
    )
);

CREATE TABLE annotation_rows AS
SELECT
    *,
    name_reason(id) AS reason,
    row_number() OVER (PARTITION BY filename ORDER BY place) AS row
FROM (
    SELECT *, row_number() OVER () AS place
    FROM read_csv(
        getvariable('annotations'),
        header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', skip = 0,
        filename = true
    )
);

CREATE TABLE organization_file_rows AS
SELECT
    *,
    coalesce(
        reason,
        CASE
            WHEN row_number() OVER (PARTITION BY reason IS NULL, org ORDER BY place) > 1
                THEN 'duplicate_row'
        END
    ) AS final_reason,
    row_number() OVER (PARTITION BY filename ORDER BY place) AS row
FROM (
    SELECT *, row_number() OVER () AS place, name_reason(org) AS reason
    FROM read_csv(
        getvariable('organizations'),
        header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
        columns = {
            org: 'VARCHAR', country: 'VARCHAR', org_type: 'VARCHAR', organization: 'VARCHAR',
            source: 'VARCHAR'
        },
        filename = true
    )
);

SET preserve_insertion_order = false;

CREATE TABLE landed AS
SELECT
    file_index::INTEGER AS file,
    (file_row_number + 1)::INTEGER AS row,
    id,
    nullif(_id, '') AS hub_id,
    epoch_us(createdAt) AS created,
    epoch_us(lastModified) AS modified,
    CASE
        WHEN cardData NOT IN ('', 'null') AND NOT is_object(cardData) THEN 'unparsable_cardData'
        ELSE name_reason(id)
    END AS reason
FROM read_parquet(getvariable('models'), file_row_number = true);

-- Rows that another one replaces: of one repository (`_id`), then, of what is left, of one id. Kept
-- is the latest, of equals the first. Repeats are found by hashes, and only they are sorted.
CREATE TABLE superseded AS
SELECT file, row, id, nullif(kept, id) AS former_of
FROM (
    SELECT file, row, id, first_value(id) OVER latest AS kept, row_number() OVER latest AS number
    FROM landed
    WHERE reason IS NULL AND hash(hub_id) IN (
        SELECT hash(hub_id)
        FROM landed
        WHERE reason IS NULL AND hub_id IS NOT NULL
        GROUP BY hash(hub_id)
        HAVING count(*) > 1
    ) AND hub_id IS NOT NULL
    WINDOW latest AS (PARTITION BY hub_id ORDER BY modified DESC NULLS LAST, file, row)
)
WHERE number > 1;

CREATE TABLE repeated_ids AS
SELECT hash(id) AS id_hash
FROM landed
WHERE reason IS NULL
GROUP BY id_hash
HAVING count(*) > 1;

INSERT INTO superseded
SELECT file, row, id, NULL
FROM (
    SELECT file, row, id, row_number() OVER latest AS number
    FROM landed
    ANTI JOIN superseded USING (file, row)
    WHERE reason IS NULL AND hash(id) IN (FROM repeated_ids)
    WINDOW latest AS (PARTITION BY id ORDER BY modified DESC NULLS LAST, file, row)
)
WHERE number > 1;

-- Every kept row of models/ gets a number. Floored creation dates come first, so that "floored" and
-- "in models/" are comparisons of numbers later on, no joins. (To sort them takes far longer.)
CREATE VIEW kept AS
SELECT
    id,
    (created // 86_400_000_000)::INTEGER AS created_day,
    -- 2022-03-02T23:29:04Z and :05Z
    coalesce(created // 1_000_000 IN (1646263744, 1646263745), false) AS is_floored,
    hub_id,
    file,
    row
FROM landed
ANTI JOIN superseded USING (file, row)
WHERE reason IS NULL;

CREATE TABLE models AS
SELECT (row_number() OVER () - 1)::INTEGER AS model, * FROM kept WHERE is_floored;

SET VARIABLE floored = (SELECT count(*) FROM models);

INSERT INTO models
SELECT (getvariable('floored') + row_number() OVER () - 1)::INTEGER, *
FROM kept
WHERE NOT is_floored;

SET VARIABLE known = (SELECT count(*) FROM models);

-- Downloads find their model by the hash of its name.
SELECT error('two ids of models/ have one hash: ' || min(id) || ', ' || max(id))
FROM models
WHERE hash(id) IN (FROM repeated_ids)
GROUP BY hash(id)
HAVING count(*) > 1;

CREATE TABLE model_rejects AS
SELECT file, row, reason FROM landed WHERE reason IS NOT NULL
UNION ALL
SELECT file, row, 'duplicate_row' FROM superseded;

DROP VIEW kept;
DROP TABLE landed;

-- Names that resolve though they are no ids: former ones, then aliases, each by its first row. A
-- name that is in models/ is never renamed.
CREATE TABLE other_names AS
SELECT name, arg_min(model, {'kind': kind, 'file': readings.file, 'row': readings.row}) AS model
FROM (
    SELECT id AS name, former_of AS current_id, 1 AS kind, file, row
    FROM superseded
    WHERE former_of IS NOT NULL
    UNION ALL
    SELECT legacy_id, current_id, 2, 0, place FROM alias_rows WHERE final_reason IS NULL
) AS readings
JOIN models ON models.id = current_id
ANTI JOIN models AS known ON known.id = name
GROUP BY name;
