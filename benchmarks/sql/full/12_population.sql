CREATE TABLE population AS SELECT model FROM totals WHERE x >= 200;

CREATE VIEW organization_rows AS FROM organization_file_rows WHERE final_reason IS NULL;
