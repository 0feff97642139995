"""Earlier states of what facts show of others, for those who read earlier revisions. What was replaced before is not known."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


TABLES = {
    "entity_before": {"kind": TEXT, "region": TEXT, "name_en": TEXT, "name_zh": TEXT},
    "indicator_before": {"name_en": TEXT, "name_zh": TEXT, "topic": TEXT, "unit": TEXT},
    "source_before": {"published_on": sa.Date()},
    "observation_before": {"subject_kind": TEXT, "region": TEXT, "statement_en": TEXT, "statement_zh": TEXT},
}
NULLABLE = ("region", "published_on")


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.create_table(
            name,
            sa.Column("id", TEXT, nullable=False),
            sa.Column("held_from", sa.Integer(), nullable=False),
            sa.Column("held_until", sa.Integer(), nullable=False),
            *(sa.Column(column, kind, nullable=column in NULLABLE) for column, kind in columns.items()),
            sa.ForeignKeyConstraint(["held_from"], ["revision.id"], name=op.f(f"fk_{name}_held_from")),
            sa.ForeignKeyConstraint(["held_until"], ["revision.id"], name=op.f(f"fk_{name}_held_until")),
            sa.PrimaryKeyConstraint("id", "held_from", name=op.f(f"pk_{name}")),
            sqlite_with_rowid=False,
        )


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
