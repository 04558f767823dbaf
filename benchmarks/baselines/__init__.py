"""Empty Flask and the usual ways to do the same work: plain psycopg, our schema, our tokens."""
