-- What is known of each week, over everything.
CREATE TABLE weeks AS
SELECT
    week,
    count(*) AS "rows",
    sum(x)::BIGINT AS downloads,
    count_if(x > 0)::BIGINT AS models,
    coalesce(sum(x) FILTER (WHERE model < getvariable('known')), 0)
        / nullif(sum(x), 0) AS coverage,
    coalesce(sum(x) FILTER (WHERE model < getvariable('floored')), 0)
        / nullif(sum(x), 0) AS censored_share
FROM model_weeks
GROUP BY week;
