-- What must hold of the tables, looked up in the files as they were written.
CREATE MACRO written(table_name) AS TABLE
FROM read_parquet(getvariable('out') || '/' || table_name || '.parquet');

-- Per model 05 counted the weeks: where a file has more rows, a key is there twice.
SELECT error('silver_model_weeks: keys are unique')
FROM written('silver_model_weeks')
HAVING count(*) <> (SELECT sum(weeks) FROM totals);

SELECT error('gold_weeks: rows and downloads equal those of silver, in week ' || week_start)
FROM (
    SELECT week_start, count(model) AS "rows", sum(download_count) AS downloads
    FROM written('silver_model_weeks')
    GROUP BY week_start
) AS silver
FULL JOIN (FROM written('gold_weeks') WHERE NOT is_missing) AS gold USING (week_start)
WHERE silver."rows" IS DISTINCT FROM gold."rows"
    OR silver.downloads IS DISTINCT FROM gold.downloads;

SELECT error('silver_model_weeks: every report is in a week or among the rejects')
FROM written('silver_rejects')
WHERE starts_with(source_file, 'downloads/')
HAVING count(*) <> getvariable('unused_reports');

SELECT error('silver_rejects: keys are unique and filled')
FROM written('silver_rejects')
GROUP BY source_file, row, reason
HAVING count(*) > 1 OR source_file IS NULL OR row IS NULL OR reason IS NULL;

SELECT error('silver_lineage: every model has its row, keys are unique and filled')
FROM written('silver_lineage')
HAVING count(*) <> (SELECT count(*) FROM models)
    OR count(DISTINCT hash(model_id)) < count(*)
    OR count(model_id) < count(*)
    OR count(root_id) < count(*)
    OR count(family_id) < count(*)
    OR count(status) < count(*);

SELECT error('gold_weeks: keys are unique and filled')
FROM written('gold_weeks')
GROUP BY week_start
HAVING count(*) > 1 OR week_start IS NULL;

SELECT error('gold_concentration: keys are unique and filled')
FROM written('gold_concentration')
GROUP BY week_start, level, scope, attribution, recency_window
HAVING count(*) > 1
    OR count(week_start) + count(units) + count(downloads) + count(eligible_units) < 4;

SELECT error('gold_concentration: downloads are the population''s, in week ' || week_start)
FROM written('gold_concentration') AS measured
LEFT JOIN written('gold_weeks') AS weeks USING (week_start)
WHERE scope = 'all' AND (
    population_downloads IS NULL
    OR measured.downloads > population_downloads
    OR recency_window = 'none' AND measured.downloads <> population_downloads
);

SELECT error('gold_concentration: levels credit the same downloads, in week ' || week_start)
FROM written('gold_concentration')
WHERE scope = 'all'
GROUP BY week_start, recency_window
HAVING min(downloads) <> max(downloads);

SELECT error('gold_usage_shares: shares sum to 1 and ranks to the downloads, in week ' || week_start)
FROM (
    SELECT
        week_start, level, attribution, recency_window,
        sum(share) AS shares,
        sum(downloads) AS listed,
        -- a rank is there once where ranks are 1 to n, and the rest has none
        count(rank) <> coalesce(max(rank), 0)
            OR bit_count(bitstring_agg(rank, 1, 1000)) <> count(rank)
            OR count(*) - count(rank) > 1
            OR count(entity) < count(*) AS has_wrong_keys
    FROM written('gold_usage_shares')
    GROUP BY ALL
) AS shares
FULL JOIN (
    FROM written('gold_concentration') WHERE scope = 'all'
) AS measured USING (week_start, level, attribution, recency_window)
WHERE coalesce(listed, 0) IS DISTINCT FROM coalesce(measured.downloads, 0)
    OR abs(shares - 1) > 1e-9
    OR has_wrong_keys;
