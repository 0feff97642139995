"""The formats of derived data: a row for each kind and resource that is complete or being rebuilt.

A pair without a row is of an unknown format; ``indicators migrate`` builds it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "derived",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("position", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("kind", "resource", name=op.f("pk_derived")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("derived")
