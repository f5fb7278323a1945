COPY (
    SELECT
        DATE '1970-01-05' + 7 * week::INTEGER AS week_start,
        level,
        scope,
        attribution,
        recency_window,
        coalesce(n, 0) AS units,
        coalesce(s, 0) AS downloads,
        squares / square AS hhi,
        (n * squares - square) / nullif(square * (n - 1), 0) AS hhi_normalized,
        square / squares AS effective_units,
        above_equal / (n::HUGEINT * s) AS gini,
        above_equal / nullif((n - 1)::HUGEINT * s, 0) AS gini_corrected,
        theil,
        shannon_entropy,
        top_1 / s AS top_1_share,
        top_3 / s AS top_3_share,
        top_5 / s AS top_5_share,
        top_10 / s AS top_10_share,
        top_20 / s AS top_20_share,
        top_100 / s AS top_100_share,
        top_1000 / s AS top_1000_share,
        COLUMNS('tied_at_.*'),
        eligible_units,
        ((eligible_units - n)::HUGEINT * s + above_equal) / (eligible_units::HUGEINT * s)
            AS gini_eligible,
        coverage,
        censored_share
    FROM (
        SELECT
            *,
            s::HUGEINT * s AS square,
            twice_ranked - (n + 1)::HUGEINT * s AS above_equal,
            coalesce(eligible.units, 0) + coalesce(extras.units, 0) AS eligible_units
        FROM weeks
        CROSS JOIN cells
        CROSS JOIN windows
        LEFT JOIN measured USING (week, cell, recency)
        LEFT JOIN eligible USING (week, cell, recency)
        LEFT JOIN extras USING (week, cell, recency)
    )
) TO (getvariable('out') || '/gold_concentration.parquet') (FORMAT parquet, COMPRESSION snappy);
