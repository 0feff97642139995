"""Observations as JSON objects by number, a table a language: a page is found by whole numbers that stand one after the other.

``indicators migrate`` writes those that there are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("observation_json_en", "observation_json_zh")
OLD, NEW = ("region", "retracted_in"), ("region", "retracted_in", "id", "number")


def _name(columns: tuple[str, ...]) -> str:
    return op.f(f"ix_observation_{'_'.join(columns)}")


def upgrade() -> None:
    op.drop_table("observation_json")
    op.add_column("observation", sa.Column("number", PLACE, nullable=True))
    op.create_index(_name(NEW), "observation", NEW)
    op.drop_index(_name(OLD), "observation")
    for name in TABLES:
        op.create_table(
            name,
            sa.Column("number", PLACE, nullable=False),
            sa.Column("body", sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{name}")),
        )


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
    op.create_index(_name(OLD), "observation", OLD)
    op.drop_index(_name(NEW), "observation")
    op.drop_column("observation", "number")
    op.create_table(
        "observation_json",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("lang", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("lang IN ('en', 'zh')", name=op.f("ck_observation_json_lang")),
        sa.PrimaryKeyConstraint("id", "lang", name=op.f("pk_observation_json")),
    )
