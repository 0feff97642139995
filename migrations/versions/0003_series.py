"""An index in the order of series: what a source says about one indicator of one subject stands together."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD = ("subject", "indicator")
NEW = ("subject", "indicator", "nature", "source", "id")


def _name(columns: tuple[str, ...]) -> str:
    return op.f(f"ix_observation_{'_'.join(columns)}")


def upgrade() -> None:
    op.create_index(_name(NEW), "observation", NEW)
    op.drop_index(_name(OLD), "observation")


def downgrade() -> None:
    op.create_index(_name(OLD), "observation", OLD)
    op.drop_index(_name(NEW), "observation")
