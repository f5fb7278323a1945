-- Few models have a parent or are one; all others are their own root and family.
CREATE TABLE linked AS
SELECT lineage.*, coalesce(family, lineage.tree) AS family
FROM lineage
LEFT JOIN joined_trees USING (tree)
UNION ALL
SELECT tree, NULL, tree, 0, 'root', NULL, tree, coalesce(family, tree)
FROM (SELECT tree FROM lineage UNION SELECT tree FROM joined_trees)
LEFT JOIN joined_trees USING (tree)
WHERE tree NOT IN (SELECT model FROM lineage);

-- Roots and families carry their proof: a look at every model and its parents is enough.
SELECT error('the lineage is wrong at ' || linked.model || ' and its parent ' || parents.model)
FROM linked
JOIN linked AS parents ON parents.model = linked.parent
WHERE linked.root <> parents.root AND linked.status <> 'cycle'
    OR linked.depth <> parents.depth + 1 AND linked.status <> 'cycle'
    OR (linked.status = 'cycle') <> (parents.status = 'cycle')
    OR linked.status = 'cycle' AND (linked.root <> linked.model OR linked.depth <> 0)
    OR linked.cycle_length IS DISTINCT FROM parents.cycle_length;

SELECT error('the lineage is wrong at ' || model)
FROM linked
WHERE parent IS NULL AND (root <> model OR depth <> 0 OR status IN ('attributed', 'cycle'))
    OR parent IS NOT NULL AND status NOT IN ('attributed', 'cycle')
    OR (status = 'cycle') <> coalesce(cycle_length > 1, false);

SELECT error('two families meet at ' || links.model || ' and its parent ' || links.parent)
FROM links
JOIN linked ON linked.model = links.model
LEFT JOIN linked AS parents ON parents.model = links.parent
WHERE links.parent IS NOT NULL AND linked.family IS DISTINCT FROM parents.family;

COPY (
    SELECT
        model,
        id AS model_id,
        NULL::VARCHAR AS parent_id,
        NULL::VARCHAR AS parent_name,
        NULL::VARCHAR AS parent_source,
        NULL::VARCHAR AS relation,
        NULL::VARCHAR AS kind,
        id AS root_id,
        0 AS depth,
        CASE WHEN model < getvariable('known') THEN 'root' ELSE 'no_metadata' END AS status,
        id AS family_id,
        1::BIGINT AS family_size,
        NULL::BIGINT AS cycle_length,
        0 AS parent_count,
        0 AS self_parent_count
    FROM models
    ANTI JOIN linked USING (model)
    UNION ALL
    SELECT
        linked.model,
        own.id,
        parents.id,
        parent_name,
        parent_source,
        relation,
        kind,
        roots.id,
        depth,
        linked.status,
        families.id,
        family_size,
        cycle_length,
        coalesce(parent_count, 0),
        coalesce(self_parent_count, 0)
    FROM linked
    JOIN (SELECT family, count(*) AS family_size FROM linked GROUP BY family) USING (family)
    JOIN models AS own ON own.model = linked.model
    JOIN models AS roots ON roots.model = linked.root
    JOIN models AS families ON families.model = linked.family
    LEFT JOIN models AS parents ON parents.model = linked.parent
    LEFT JOIN first_parents ON first_parents.model = linked.model
) TO (getvariable('out') || '/silver_lineage.parquet')
    (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1);
