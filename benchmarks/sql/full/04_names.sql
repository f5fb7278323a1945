-- The names that 02 did not find, and those of parents.
CREATE TABLE asked AS
SELECT name FROM others WHERE reason IS NULL
UNION
SELECT name FROM listed WHERE name IS NOT NULL;

CREATE TABLE resolved AS FROM answers('asked');
