"""Observations as SDMX: data structure definition, data queries, messages, and the endpoints of SDMX-REST."""
