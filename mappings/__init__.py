"""From a source's fields to the pool's attributes: rows in, rows out, and nothing else touched."""
