"""Queries: from a resource and a validated query to a dataset. Knows no nouns."""
