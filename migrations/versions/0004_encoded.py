"""Current observations as JSON objects, ready to be put into pages, and an index that finds those of a region by itself.

``indicators migrate`` writes those that there are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "observation_json",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("lang", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("lang IN ('en', 'zh')", name=op.f("ck_observation_json_lang")),
        sa.PrimaryKeyConstraint("id", "lang", name=op.f("pk_observation_json")),
    )
    op.create_index(op.f("ix_observation_region_retracted_in"), "observation", ["region", "retracted_in"])
    op.drop_index(op.f("ix_observation_region"), "observation")


def downgrade() -> None:
    op.create_index(op.f("ix_observation_region"), "observation", ["region"])
    op.drop_index(op.f("ix_observation_region_retracted_in"), "observation")
    op.drop_table("observation_json")
