-- The population's downloads. A row counts in the windows from 0 to its `recency`.
CREATE TABLE usage AS
SELECT
    week,
    members.* EXCLUDE (model, first_week, last_week_365, last_week_182),
    x,
    (week <= last_week_365)::TINYINT + (week <= last_week_182)::TINYINT AS recency,
    first_week IS NULL OR week < first_week AS is_early
FROM model_weeks
JOIN members USING (model)
WHERE x > 0;

DROP TABLE model_weeks;
