COPY gold_weeks TO (getvariable('out') || '/gold_weeks.parquet')
    (FORMAT parquet, COMPRESSION snappy);
