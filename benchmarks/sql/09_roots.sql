-- Down from the roots, a generation at a time: few steps, since chains are short. (Pointer doubling
-- takes fewer, but each writes all models again.) What is not reached is on a cycle or leads into
-- one.
CREATE TABLE rooted AS
WITH RECURSIVE edges AS MATERIALIZED (
    SELECT model, parent FROM first_parents WHERE parent IS NOT NULL
),
walk(model, root, depth) AS (
    SELECT model, parent, 1 FROM edges WHERE parent NOT IN (SELECT model FROM edges)
    UNION ALL
    SELECT edges.model, root, depth + 1 FROM walk JOIN edges ON edges.parent = walk.model
)
FROM walk;

-- Up from those few: what each of them meets on its way. Who meets itself is on a cycle.
CREATE TABLE cycles AS
WITH RECURSIVE edges AS MATERIALIZED (
    SELECT model, parent FROM first_parents ANTI JOIN rooted USING (model) WHERE parent IS NOT NULL
),
met(model, ancestor) AS (
    SELECT model, parent FROM edges
    UNION
    SELECT met.model, parent FROM met JOIN edges ON edges.model = ancestor
)
SELECT model, min(ancestor) AS cycle, count(*) AS cycle_length
FROM met
WHERE ancestor IN (SELECT ancestor FROM met WHERE ancestor = model)
GROUP BY model;

-- Only models that list a parent; all others are their own root.
CREATE TABLE lineage AS
SELECT
    first_parents.model,
    parent,
    coalesce(root, first_parents.model) AS root,
    coalesce(depth, 0) AS depth,
    CASE WHEN cycle IS NULL THEN status ELSE 'cycle' END AS status,
    cycle_length,
    coalesce(cycle, root, first_parents.model) AS tree
FROM first_parents
LEFT JOIN rooted ON rooted.model = first_parents.model
LEFT JOIN cycles ON cycles.model = first_parents.model;
