"""``/sdmx``: observations for software that speaks SDMX-REST, version 2 of it (SDMX 3.0) and version 1 (SDMX 2.1)."""

from app.api.sdmx.routes import router

__all__ = ["router"]
