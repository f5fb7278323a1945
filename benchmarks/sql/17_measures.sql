-- n units with s downloads in all, and the units of the cells, windows and weeks before.
CREATE TABLE sizes AS
SELECT
    *,
    (sum(n) OVER (ORDER BY cell, recency, week ROWS UNBOUNDED PRECEDING) - n)::BIGINT AS n_before
FROM (
    SELECT cell, recency, week, sum(m)::BIGINT AS n, sum(x * m)::BIGINT AS s
    FROM histogram
    GROUP BY cell, recency, week
);

-- Integers stay integers up to the last division. Ranks from below: the units of a row end at rank
-- running - n_before = r, and their ranks add up to m (2 r - m + 1) / 2.
CREATE TABLE over_all AS
SELECT
    cell,
    recency,
    week,
    any_value(n) AS n,
    any_value(s) AS s,
    sum((m * x)::HUGEINT * x) AS squares,
    sum((m * x)::HUGEINT * (2 * (running - n_before) - m + 1)) AS twice_ranked,
    fsum(m * (x / s) * ln(n * x / s)) AS theil,
    abs(fsum(m * (x / s) * ln(x / s))) AS shannon_entropy
FROM histogram
JOIN sizes USING (cell, recency, week)
GROUP BY cell, recency, week;

-- `above` is the number of units with a higher rank than those of a row.
CREATE MACRO sum_of_top(k, x, m, above) AS sum(x * least(m, k - above)) FILTER (WHERE above < k);
CREATE MACRO x_at(k, x, above) AS min(x) FILTER (WHERE above < k);

CREATE TABLE at_top AS
SELECT
    cell,
    recency,
    week,
    sum_of_top(1, x, m, above) AS top_1,
    sum_of_top(3, x, m, above) AS top_3,
    sum_of_top(5, x, m, above) AS top_5,
    sum_of_top(10, x, m, above) AS top_10,
    sum_of_top(20, x, m, above) AS top_20,
    sum_of_top(100, x, m, above) AS top_100,
    sum_of_top(1000, x, m, above) AS top_1000,
    -- the k-th is as large as the next one
    max(n) > 1 AND x_at(1, x, above) = x_at(2, x, above) AS tied_at_1,
    max(n) > 3 AND x_at(3, x, above) = x_at(4, x, above) AS tied_at_3,
    max(n) > 5 AND x_at(5, x, above) = x_at(6, x, above) AS tied_at_5,
    max(n) > 10 AND x_at(10, x, above) = x_at(11, x, above) AS tied_at_10,
    max(n) > 20 AND x_at(20, x, above) = x_at(21, x, above) AS tied_at_20,
    max(n) > 100 AND x_at(100, x, above) = x_at(101, x, above) AS tied_at_100,
    max(n) > 1000 AND x_at(1000, x, above) = x_at(1001, x, above) AS tied_at_1000,
    x_at(1000, x, above) AS x_of_last
FROM (
    SELECT *, n_before + n - running AS above
    FROM histogram
    JOIN sizes USING (cell, recency, week)
)
WHERE above <= 1000
GROUP BY cell, recency, week;

CREATE VIEW measured AS FROM over_all JOIN at_top USING (cell, recency, week);
