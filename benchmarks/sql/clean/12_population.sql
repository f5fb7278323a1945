-- Numbers without gaps: an array of sums is several times faster than a hash table of them.
SET perfect_ht_threshold = 24;
CREATE TABLE population AS
SELECT model FROM model_weeks GROUP BY model HAVING sum(x) >= 200;
RESET perfect_ht_threshold;

CREATE VIEW organization_rows AS
FROM read_csv(
    getvariable('landing') || '/organizations/*.csv',
    header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {
        org: 'VARCHAR', country: 'VARCHAR', org_type: 'VARCHAR', organization: 'VARCHAR',
        source: 'VARCHAR'
    }
);
