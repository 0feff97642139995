"""Observations as SDMX: their data structure, queries for them, and the messages that carry them. Knows no database."""
