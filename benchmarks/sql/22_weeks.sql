CREATE TABLE gold_weeks AS
WITH head AS (
    SELECT week, sum(x) AS head_downloads
    FROM usage
    WHERE unit IN (SELECT unit FROM leaders WHERE cell = 0 AND recency = 0 AND rank <= 200)
    GROUP BY week
),
calendar AS (
    SELECT unnest(range(min(week)::BIGINT, max(week) + 1)) AS week FROM weeks
)
SELECT
    DATE '1970-01-05' + 7 * calendar.week::INTEGER AS week_start,
    "rows",
    downloads,
    models,
    CASE WHEN "rows" IS NOT NULL THEN coalesce(s, 0) END AS population_downloads,
    coverage,
    censored_share,
    coalesce(head_downloads, 0) / nullif(downloads, 0) AS head_share
FROM calendar
LEFT JOIN weeks USING (week)
LEFT JOIN head USING (week)
LEFT JOIN (SELECT week, s FROM measured WHERE cell = 0 AND recency = 0) USING (week);
