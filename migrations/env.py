"""Alembic's environment: the schema of ``app.resources``, migrated in one transaction."""

from alembic import context

from app.db.database import Database
from app.resources import ALL
from app.settings import Settings, bundled

# alembic's own command line has no database at hand; the service passes its own
database: Database = context.config.attributes.get("database") or Database(Settings().database_url, bundled("migrations"))
metadata = ALL[0].row.metadata

with database.write() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,  # SQLite can, once the driver leaves BEGIN to us
        include_name=lambda name, kind, _parents: kind != "table" or not str(name).startswith("search_index"),
    )
    context.run_migrations()
