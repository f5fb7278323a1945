-- First parents make trees (and cycles with what leads into them), the other parents join trees.
CREATE TABLE edges AS
WITH joined AS (
    SELECT DISTINCT child.tree AS a, coalesce(parent.tree, links.parent) AS b
    FROM links
    JOIN lineage AS child ON child.model = links.model
    LEFT JOIN lineage AS parent ON parent.model = links.parent
    WHERE b IS NOT NULL AND a <> b
)
SELECT a, b FROM joined
UNION
SELECT b, a FROM joined;

-- Connected components: a tree takes over the least number of its neighbours until none is less.
CREATE TABLE joined_trees AS
WITH RECURSIVE families(tree, family) USING KEY (tree) AS (
    SELECT DISTINCT a, a FROM edges
    UNION
    SELECT a, min(changed.family)
    FROM families AS changed
    JOIN edges ON b = changed.tree
    JOIN recurring.families AS present ON present.tree = a
    WHERE changed.family < present.family
    GROUP BY a
)
FROM families;
