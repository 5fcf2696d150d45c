-- A small shop in memory: rows in, an index, a join, groups, updates, deletions.
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, town INTEGER);
CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  INSERT INTO customer SELECT i, 'customer number ' || i, (i * 7919) % 100 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
  INSERT INTO sale SELECT i, (i * 104729) % 1000 + 1, (i * 31) % 1000, 'note ' || (i * 17) FROM n;
CREATE INDEX sale_customer ON sale (customer);
SELECT town, count(*), sum(amount) FROM customer JOIN sale ON sale.customer = customer.id GROUP BY town ORDER BY 3 DESC LIMIT 5;
UPDATE sale SET amount = amount + 1 WHERE customer % 10 = 3;
DELETE FROM sale WHERE amount % 5 = 0;
SELECT name, (SELECT max(amount) FROM sale WHERE customer = customer.id) FROM customer WHERE town = 42 LIMIT 5;
