"""ASGI middleware, one job a file. ``app.main`` puts them in order."""
