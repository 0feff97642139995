"""Observations as SDMX: their data structure, queries for them, messages of them, and the routes of SDMX-REST."""
