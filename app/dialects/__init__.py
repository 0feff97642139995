"""The only package that tells SQLite from PostgreSQL."""
