"""Routes, one file a subject. Each has a ``router``."""
