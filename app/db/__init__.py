"""The database: the only package that distinguishes SQLite from PostgreSQL."""
