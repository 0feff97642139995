"""Versions of the entries of the search index, and words that are found by their beginnings.

``indicators migrate`` makes the entries anew, those of earlier revisions too, as far as these are known: entities, indicators
and sources are found by what they say now. After a downgrade the older software indexes what is published from then on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

# ascii: every other character is part of a word, so that no version of Unicode but that of the tokens matters
OLD, NEW = (
    {
        "sqlite": (
            f"CREATE VIRTUAL TABLE search_index USING fts5(title, body, content='', contentless_delete=1, tokenize=\"{tokenizer}\")",
        ),
        "postgresql": (
            f"""CREATE TABLE search_index (
                rowid integer PRIMARY KEY REFERENCES search_entry (id) ON DELETE CASCADE, title {kind} NOT NULL, body {kind} NOT NULL
            )""",
            "CREATE INDEX ix_search_index_body ON search_index USING gin (body)",
        ),
    }
    for tokenizer, kind in (("unicode61 remove_diacritics 0", "text[]"), ("ascii tokenchars '='", "tsvector"))
)


def _replace(index: dict[str, tuple[str, ...]], columns: list[sa.schema.SchemaItem], unique: list[str]) -> None:
    op.execute("DROP TABLE search_index")
    op.drop_table("search_entry")
    op.create_table(
        "search_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=True),
        sa.Column("title_en", TEXT, nullable=False),
        sa.Column("title_zh", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entry")),
    )
    op.create_index(op.f(f"ix_search_entry_{'_'.join(unique)}"), "search_entry", unique, unique=True)
    for statement in index[op.get_bind().dialect.name]:
        op.execute(statement)


def upgrade() -> None:
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("held_from", sa.Integer(), nullable=False),
        sa.Column("held_until", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["held_from"], ["revision.id"], name=op.f("fk_search_entry_held_from")),
        sa.ForeignKeyConstraint(["held_until"], ["revision.id"], name=op.f("fk_search_entry_held_until")),
    ]
    _replace(NEW, columns, ["resource", "key", "held_from"])


def downgrade() -> None:
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("source", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_search_entry_source")),
    ]
    _replace(OLD, columns, ["resource", "key"])
    op.create_index(op.f("ix_search_entry_source"), "search_entry", ["source"], unique=False)
