-- Few models have a parent or belong to a joined family; all others are their own root and family.
CREATE TABLE linked AS
SELECT lineage.* EXCLUDE (tree), coalesce(family, lineage.tree) AS family
FROM lineage
LEFT JOIN joined_trees USING (tree)
UNION ALL
SELECT tree, NULL, tree, 0, 'root', NULL, family
FROM joined_trees
WHERE tree NOT IN (SELECT model FROM lineage);

COPY (
    SELECT
        model,
        id AS model_id,
        NULL::VARCHAR AS parent_id,
        id AS root_id,
        0 AS depth,
        CASE WHEN model < getvariable('known') THEN 'root' ELSE 'no_metadata' END AS status,
        NULL::BIGINT AS cycle_length,
        id AS family_id
    FROM models
    ANTI JOIN linked USING (model)
    UNION ALL
    SELECT
        linked.model,
        own.id,
        parents.id,
        roots.id,
        depth,
        status,
        cycle_length,
        families.id
    FROM linked
    JOIN models AS own ON own.model = linked.model
    JOIN models AS roots ON roots.model = linked.root
    JOIN models AS families ON families.model = linked.family
    LEFT JOIN models AS parents ON parents.model = linked.parent
) TO (getvariable('out') || '/silver_lineage.parquet')
    (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1);
