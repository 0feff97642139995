"""Sources, revisions, entities, indicators, and the versioned facts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

NUMBER = sa.Float(53).with_variant(sa.Numeric(asdecimal=False), "sqlite")

SEARCH_INDEX = {
    "sqlite": (
        """CREATE VIRTUAL TABLE search_index USING fts5(
            title, body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0"
        )""",
    ),
    "postgresql": (
        """CREATE TABLE search_index (
            rowid integer PRIMARY KEY REFERENCES search_entry (id) ON DELETE CASCADE, title text[] NOT NULL, body text[] NOT NULL
        )""",
        "CREATE INDEX ix_search_index_body ON search_index USING gin (body)",
    ),
}


def upgrade() -> None:
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document_sha256", TEXT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("retracted", sa.Integer(), nullable=False),
        sa.CheckConstraint("action IN ('published', 'retracted')", name=op.f("ck_revision_action")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.create_index(op.f("ix_revision_source"), "revision", ["source"], unique=False)
    op.create_table(
        "source",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("title_en", TEXT, nullable=False),
        sa.Column("title_zh", TEXT, nullable=False),
        sa.Column("publisher_en", TEXT, nullable=False),
        sa.Column("publisher_zh", TEXT, nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("published_time", TEXT, nullable=True),
        sa.Column("language", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=True),
        sa.Column("photographer", TEXT, nullable=True),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("views", sa.Integer(), nullable=True),
        sa.Column("comments", sa.Integer(), nullable=True),
        sa.Column("occasion_en", TEXT, nullable=True),
        sa.Column("occasion_zh", TEXT, nullable=True),
        sa.Column("speakers_en", TEXT, nullable=False),
        sa.Column("speakers_zh", TEXT, nullable=False),
        sa.Column("not_stated_en", TEXT, nullable=False),
        sa.Column("not_stated_zh", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.CheckConstraint("type IN ('article', 'report', 'web_page', 'vocabulary')", name=op.f("ck_source_type")),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_source_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entity",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("scheme", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=True),
        sa.Column("region", TEXT, nullable=True),
        sa.Column("parent", TEXT, nullable=True),
        sa.Column("name_en", TEXT, nullable=False),
        sa.Column("name_zh", TEXT, nullable=False),
        sa.Column("name_basis", TEXT, nullable=False),
        sa.Column("name_as_written", TEXT, nullable=True),
        sa.Column("aliases", TEXT, nullable=False),
        sa.Column("since", TEXT, nullable=True),
        sa.Column("summary_en", TEXT, nullable=True),
        sa.Column("summary_zh", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind <> 'region' OR region IS NULL", name=op.f("ck_entity_region_of_region")),
        sa.CheckConstraint(
            "kind IN ('region', 'cluster', 'zone', 'programme', 'organisation', 'project')", name=op.f("ck_entity_kind")
        ),
        sa.CheckConstraint("name_basis IN ('official', 'common', 'literal')", name=op.f("ck_entity_name_basis")),
        sa.CheckConstraint("line > 0", name=op.f("ck_entity_line")),
        sa.ForeignKeyConstraint(["parent"], ["entity.id"], name=op.f("fk_entity_parent"), initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["region"], ["entity.id"], name=op.f("fk_entity_region"), initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_entity_revision")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_entity_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entity")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_entity_kind_region"), "entity", ["kind", "region"], unique=False)
    op.create_index(op.f("ix_entity_parent"), "entity", ["parent"], unique=False)
    op.create_index(op.f("ix_entity_region"), "entity", ["region"], unique=False)
    op.create_index(op.f("ix_entity_source"), "entity", ["source"], unique=False)
    op.create_table(
        "indicator",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name_en", TEXT, nullable=False),
        sa.Column("name_zh", TEXT, nullable=False),
        sa.Column("definition_en", TEXT, nullable=False),
        sa.Column("definition_zh", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("unit_system", TEXT, nullable=False),
        sa.Column("unit_name_en", TEXT, nullable=False),
        sa.Column("unit_name_zh", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "topic IN ('economy', 'industry', 'innovation', 'talent', 'transport', 'education', 'health', 'culture', 'space', 'policy')",
            name=op.f("ck_indicator_topic"),
        ),
        sa.CheckConstraint("unit_system IN ('ucum', 'iso4217')", name=op.f("ck_indicator_unit_system")),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_indicator_revision")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_indicator_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_indicator_source"), "indicator", ["source"], unique=False)
    op.create_index(op.f("ix_indicator_topic"), "indicator", ["topic"], unique=False)
    op.create_table(
        "search_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=True),
        sa.Column("title_en", TEXT, nullable=False),
        sa.Column("title_zh", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_search_entry_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entry")),
    )
    op.create_index(op.f("ix_search_entry_resource_key"), "search_entry", ["resource", "key"], unique=True)
    op.create_index(op.f("ix_search_entry_source"), "search_entry", ["source"], unique=False)
    op.create_table(
        "designation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retracted_in", sa.Integer(), nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("as_written", TEXT, nullable=False),
        sa.Column("speaker", TEXT, nullable=True),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("title_en", TEXT, nullable=False),
        sa.Column("title_zh", TEXT, nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("conferred_by", TEXT, nullable=True),
        sa.Column("since", TEXT, nullable=True),
        sa.CheckConstraint(
            "level IN ('international', 'national', 'municipal', 'district', 'unstated')", name=op.f("ck_designation_level")
        ),
        sa.CheckConstraint("line > 0", name=op.f("ck_designation_line")),
        sa.CheckConstraint("retracted_in > revision", name=op.f("ck_designation_retracted_in")),
        sa.ForeignKeyConstraint(["retracted_in"], ["revision.id"], name=op.f("fk_designation_retracted_in")),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_designation_revision")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_designation_source")),
        sa.ForeignKeyConstraint(["subject"], ["entity.id"], name=op.f("fk_designation_subject")),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_designation")),
    )
    op.create_index(
        op.f("ix_designation_retracted_in"),
        "designation",
        ["retracted_in"],
        unique=False,
        sqlite_where=sa.text("retracted_in IS NOT NULL"),
        postgresql_where=sa.text("retracted_in IS NOT NULL"),
    )
    op.create_index(op.f("ix_designation_revision"), "designation", ["revision"], unique=False)
    op.create_index(op.f("ix_designation_source"), "designation", ["source"], unique=False)
    op.create_index(op.f("ix_designation_subject"), "designation", ["subject"], unique=False)
    op.create_table(
        "observation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retracted_in", sa.Integer(), nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("as_written", TEXT, nullable=False),
        sa.Column("speaker", TEXT, nullable=True),
        sa.Column("indicator", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("subject_kind", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=True),
        sa.Column("nature", TEXT, nullable=False),
        sa.Column("value", NUMBER, nullable=True),
        sa.Column("comparator", TEXT, nullable=True),
        sa.Column("lower", NUMBER, nullable=True),
        sa.Column("upper", NUMBER, nullable=True),
        sa.Column("bounds_basis", TEXT, nullable=True),
        sa.Column("hedge", TEXT, nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("rank_of", sa.Integer(), nullable=True),
        sa.Column("rank_band", TEXT, nullable=True),
        sa.Column("rank_scope_en", TEXT, nullable=True),
        sa.Column("rank_scope_zh", TEXT, nullable=True),
        sa.Column("rank_region", TEXT, nullable=True),
        sa.Column("period_label", TEXT, nullable=True),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("period_basis", TEXT, nullable=False),
        sa.Column("statement_en", TEXT, nullable=False),
        sa.Column("statement_zh", TEXT, nullable=False),
        sa.CheckConstraint("(period_basis = 'unstated') = (period_label IS NULL)", name=op.f("ck_observation_period")),
        sa.CheckConstraint("bounds_basis IN ('stated', 'convention', 'none')", name=op.f("ck_observation_bounds_basis")),
        sa.CheckConstraint(
            "bounds_basis IS NOT NULL AND bounds_basis <> 'none' OR lower IS NULL AND upper IS NULL",
            name=op.f("ck_observation_bounds_none"),
        ),
        sa.CheckConstraint("comparator IN ('<', '<=', '=', '~', '>=', '>')", name=op.f("ck_observation_comparator")),
        sa.CheckConstraint("nature IN ('actual', 'planned', 'target')", name=op.f("ck_observation_nature")),
        sa.CheckConstraint("period_basis <> 'derived' OR period_start IS NOT NULL", name=op.f("ck_observation_period_derived")),
        sa.CheckConstraint("period_basis <> 'unstated' OR period_start IS NULL", name=op.f("ck_observation_period_unstated")),
        sa.CheckConstraint("period_basis IN ('stated', 'derived', 'unstated')", name=op.f("ck_observation_period_basis")),
        sa.CheckConstraint("rank_band IN ('leading', 'first_class')", name=op.f("ck_observation_rank_band")),
        sa.CheckConstraint(
            "(lower IS NULL OR lower <= value) AND (upper IS NULL OR upper >= value)", name=op.f("ck_observation_bounds_value")
        ),
        sa.CheckConstraint(
            "(period_start IS NULL) = (period_end IS NULL) AND period_start <= period_end",
            name=op.f("ck_observation_period_dates"),
        ),
        sa.CheckConstraint("(rank_scope_en IS NULL) = (rank_scope_zh IS NULL)", name=op.f("ck_observation_rank_scope")),
        sa.CheckConstraint(
            "(value IS NULL) = (comparator IS NULL) AND (value IS NULL) = (bounds_basis IS NULL)",
            name=op.f("ck_observation_value"),
        ),
        sa.CheckConstraint("hedge IS NULL OR value IS NOT NULL", name=op.f("ck_observation_hedge")),
        sa.CheckConstraint("line > 0", name=op.f("ck_observation_line")),
        sa.CheckConstraint("lower <= upper", name=op.f("ck_observation_bounds")),
        sa.CheckConstraint("rank >= 1 AND (rank_of IS NULL OR rank_of >= rank)", name=op.f("ck_observation_rank")),
        sa.CheckConstraint("rank IS NULL OR rank_band IS NULL", name=op.f("ck_observation_rank_or_band")),
        sa.CheckConstraint("retracted_in > revision", name=op.f("ck_observation_retracted_in")),
        sa.CheckConstraint("value IS NOT NULL OR rank IS NOT NULL OR rank_band IS NOT NULL", name=op.f("ck_observation_claim")),
        sa.ForeignKeyConstraint(["indicator"], ["indicator.id"], name=op.f("fk_observation_indicator")),
        sa.ForeignKeyConstraint(["rank_region"], ["entity.id"], name=op.f("fk_observation_rank_region")),
        sa.ForeignKeyConstraint(["region"], ["entity.id"], name=op.f("fk_observation_region")),
        sa.ForeignKeyConstraint(["retracted_in"], ["revision.id"], name=op.f("fk_observation_retracted_in")),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_observation_revision")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_observation_source")),
        sa.ForeignKeyConstraint(["subject"], ["entity.id"], name=op.f("fk_observation_subject")),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_observation")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_observation_indicator_region"), "observation", ["indicator", "region"], unique=False)
    op.create_index(op.f("ix_observation_indicator_value"), "observation", ["indicator", "value"], unique=False)
    op.create_index(op.f("ix_observation_region"), "observation", ["region"], unique=False)
    op.create_index(
        op.f("ix_observation_retracted_in"),
        "observation",
        ["retracted_in"],
        unique=False,
        sqlite_where=sa.text("retracted_in IS NOT NULL"),
        postgresql_where=sa.text("retracted_in IS NOT NULL"),
    )
    op.create_index(op.f("ix_observation_revision"), "observation", ["revision"], unique=False)
    op.create_index(op.f("ix_observation_source"), "observation", ["source"], unique=False)
    op.create_index(op.f("ix_observation_subject_indicator"), "observation", ["subject", "indicator"], unique=False)
    op.create_table(
        "relation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retracted_in", sa.Integer(), nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("as_written", TEXT, nullable=False),
        sa.Column("speaker", TEXT, nullable=True),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("predicate", TEXT, nullable=False),
        sa.Column("object", TEXT, nullable=False),
        sa.CheckConstraint(
            "predicate IN ('member_of', 'located_in', 'part_of', 'promotes', 'supports', 'partner_of')",
            name=op.f("ck_relation_predicate"),
        ),
        sa.CheckConstraint("line > 0", name=op.f("ck_relation_line")),
        sa.CheckConstraint("retracted_in > revision", name=op.f("ck_relation_retracted_in")),
        sa.ForeignKeyConstraint(["object"], ["entity.id"], name=op.f("fk_relation_object")),
        sa.ForeignKeyConstraint(["retracted_in"], ["revision.id"], name=op.f("fk_relation_retracted_in")),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_relation_revision")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_relation_source")),
        sa.ForeignKeyConstraint(["subject"], ["entity.id"], name=op.f("fk_relation_subject")),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_relation")),
    )
    op.create_index(op.f("ix_relation_object_predicate"), "relation", ["object", "predicate"], unique=False)
    op.create_index(
        op.f("ix_relation_retracted_in"),
        "relation",
        ["retracted_in"],
        unique=False,
        sqlite_where=sa.text("retracted_in IS NOT NULL"),
        postgresql_where=sa.text("retracted_in IS NOT NULL"),
    )
    op.create_index(op.f("ix_relation_revision"), "relation", ["revision"], unique=False)
    op.create_index(op.f("ix_relation_source"), "relation", ["source"], unique=False)
    op.create_index(op.f("ix_relation_subject_predicate"), "relation", ["subject", "predicate"], unique=False)
    for statement in SEARCH_INDEX[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE search_index")
    op.drop_index(op.f("ix_relation_subject_predicate"), table_name="relation")
    op.drop_index(op.f("ix_relation_source"), table_name="relation")
    op.drop_index(op.f("ix_relation_revision"), table_name="relation")
    op.drop_index(
        op.f("ix_relation_retracted_in"),
        table_name="relation",
        sqlite_where=sa.text("retracted_in IS NOT NULL"),
        postgresql_where=sa.text("retracted_in IS NOT NULL"),
    )
    op.drop_index(op.f("ix_relation_object_predicate"), table_name="relation")
    op.drop_table("relation")
    op.drop_index(op.f("ix_observation_subject_indicator"), table_name="observation")
    op.drop_index(op.f("ix_observation_source"), table_name="observation")
    op.drop_index(op.f("ix_observation_revision"), table_name="observation")
    op.drop_index(
        op.f("ix_observation_retracted_in"),
        table_name="observation",
        sqlite_where=sa.text("retracted_in IS NOT NULL"),
        postgresql_where=sa.text("retracted_in IS NOT NULL"),
    )
    op.drop_index(op.f("ix_observation_region"), table_name="observation")
    op.drop_index(op.f("ix_observation_indicator_value"), table_name="observation")
    op.drop_index(op.f("ix_observation_indicator_region"), table_name="observation")
    op.drop_table("observation")
    op.drop_index(op.f("ix_designation_subject"), table_name="designation")
    op.drop_index(op.f("ix_designation_source"), table_name="designation")
    op.drop_index(op.f("ix_designation_revision"), table_name="designation")
    op.drop_index(
        op.f("ix_designation_retracted_in"),
        table_name="designation",
        sqlite_where=sa.text("retracted_in IS NOT NULL"),
        postgresql_where=sa.text("retracted_in IS NOT NULL"),
    )
    op.drop_table("designation")
    op.drop_index(op.f("ix_search_entry_source"), table_name="search_entry")
    op.drop_index(op.f("ix_search_entry_resource_key"), table_name="search_entry")
    op.drop_table("search_entry")
    op.drop_index(op.f("ix_indicator_topic"), table_name="indicator")
    op.drop_index(op.f("ix_indicator_source"), table_name="indicator")
    op.drop_table("indicator")
    op.drop_index(op.f("ix_entity_source"), table_name="entity")
    op.drop_index(op.f("ix_entity_region"), table_name="entity")
    op.drop_index(op.f("ix_entity_parent"), table_name="entity")
    op.drop_index(op.f("ix_entity_kind_region"), table_name="entity")
    op.drop_table("entity")
    op.drop_table("source")
    op.drop_index(op.f("ix_revision_source"), table_name="revision")
    op.drop_table("revision")
