"""The database: the only package that tells SQLite from PostgreSQL."""
