"""The first schema: sources, revisions, entities, indicators, versioned facts, search, and access.

Frozen: its types and SQL are literal, so that no later change of the software changes what it makes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")  # in the order of code points, as SQLite's
NUMBER = sa.Float(53).with_variant(sa.Numeric(asdecimal=False), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

# ascii: every other character is part of a word, so that no version of Unicode but that of the tokens matters
SEARCH_INDEX = {
    "sqlite": (
        """CREATE VIRTUAL TABLE search_index USING fts5(title, body, content='', contentless_delete=1, tokenize="ascii tokenchars '='")""",
    ),
    "postgresql": (
        """CREATE TABLE search_index (
            rowid integer PRIMARY KEY REFERENCES search_entry (id) ON DELETE CASCADE, title tsvector NOT NULL, body tsvector NOT NULL
        )""",
        "CREATE INDEX ix_search_index_body ON search_index USING gin (body)",
    ),
}
APPEND_ONLY_AUDIT = {
    "sqlite": (
        "CREATE TRIGGER audit_no_update BEFORE update ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE delete ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    ),
    "postgresql": (
        """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$""",
        """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
            FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()""",
    ),
}
TABLES = (
    "revision", "source", "entity", "indicator", "designation", "observation", "relation", "observation_json_en",
    "observation_json_zh", "entity_before", "indicator_before", "source_before", "observation_before", "search_entry",
    "search_index", "token", "audit", "receipt",
)  # fmt: skip


def upgrade() -> None:
    _sources()
    _entities()
    _indicators()
    _designations()
    _observations()
    _relations()
    _earlier_states()
    _search()
    _access()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")


def _columns(kind: sa.types.TypeEngine[object], *names: str, null: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, kind, nullable=null) for name in names]


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _foreign_key(table: str, column: str, target: str, **options: object) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), **options)


def _index(table: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    name = op.f(f"ix_{table}_{'_'.join(columns)}")
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _sources() -> None:
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *_columns(TEXT, "source", "action"),
        *_columns(MOMENT, "published_at"),
        *_columns(TEXT, "document_sha256"),
        *_columns(sa.LargeBinary(), "document"),
        *_columns(sa.Integer(), "added", "changed", "retracted"),
        _check("revision", "action", "action IN ('published', 'retracted')"),
        _key("revision", "id"),
    )
    _index("revision", "source")
    op.create_table(
        "source",
        *_columns(TEXT, "id", "type", "title", "title_en", "title_zh", "publisher_en", "publisher_zh"),
        *_columns(sa.Date(), "published_on", null=True),
        *_columns(TEXT, "published_time", null=True),
        *_columns(TEXT, "language"),
        *_columns(TEXT, "author", "photographer", "url", "sha256", null=True),
        *_columns(sa.Integer(), "views", "comments", null=True),
        *_columns(TEXT, "occasion_en", "occasion_zh", null=True),
        *_columns(TEXT, "speakers_en", "speakers_zh", "not_stated_en", "not_stated_zh"),
        *_columns(sa.Integer(), "revision"),
        *_columns(sa.Boolean(), "retired"),
        _check("source", "type", "type IN ('article', 'report', 'web_page', 'vocabulary')"),
        _foreign_key("source", "revision", "revision"),
        _key("source", "id"),
        sqlite_with_rowid=False,
    )


def _entities() -> None:
    op.create_table(
        "entity",
        *_columns(TEXT, "id", "kind", "type"),
        *_columns(TEXT, "scheme", "status", "region", "parent", null=True),
        *_columns(TEXT, "name_en", "name_zh", "name_basis"),
        *_columns(TEXT, "name_as_written", null=True),
        *_columns(TEXT, "aliases"),
        *_columns(TEXT, "since", "summary_en", "summary_zh", null=True),
        *_columns(TEXT, "source"),
        *_columns(sa.Integer(), "line", null=True),
        *_columns(sa.Integer(), "revision"),
        *_columns(sa.Boolean(), "retired"),
        _check("entity", "region_of_region", "kind <> 'region' OR region IS NULL"),
        _check("entity", "kind", "kind IN ('region', 'cluster', 'zone', 'programme', 'organisation', 'project')"),
        _check("entity", "name_basis", "name_basis IN ('official', 'common', 'literal')"),
        _check("entity", "line", "line > 0"),
        _foreign_key("entity", "parent", "entity", initially="DEFERRED", deferrable=True),
        _foreign_key("entity", "region", "entity", initially="DEFERRED", deferrable=True),
        _foreign_key("entity", "revision", "revision"),
        _foreign_key("entity", "source", "source"),
        _key("entity", "id"),
        sqlite_with_rowid=False,
    )
    _index("entity", "kind", "region")
    _index("entity", "parent")
    _index("entity", "region")
    _index("entity", "source")


def _indicators() -> None:
    topics = "'economy', 'industry', 'innovation', 'talent', 'transport', 'education', 'health', 'culture', 'space', 'policy'"
    op.create_table(
        "indicator",
        *_columns(TEXT, "id", "name_en", "name_zh", "definition_en", "definition_zh", "topic"),
        *_columns(TEXT, "unit", "unit_system", "unit_name_en", "unit_name_zh", "source"),
        *_columns(sa.Integer(), "revision"),
        *_columns(sa.Boolean(), "retired"),
        _check("indicator", "topic", f"topic IN ({topics})"),
        _check("indicator", "unit_system", "unit_system IN ('ucum', 'iso4217')"),
        _foreign_key("indicator", "revision", "revision"),
        _foreign_key("indicator", "source", "source"),
        _key("indicator", "id"),
        sqlite_with_rowid=False,
    )
    _index("indicator", "source")
    _index("indicator", "topic")


def _fact(table: str, columns: list[sa.schema.SchemaItem], **options: object) -> None:
    """Create the table of a kind of fact, with the columns, constraints and indexes that all facts have."""
    op.create_table(
        table,
        *_columns(TEXT, "id"),
        *_columns(sa.Integer(), "revision"),
        *_columns(sa.Integer(), "retracted_in", null=True),
        *_columns(TEXT, "source"),
        *_columns(sa.Integer(), "line"),
        *_columns(TEXT, "as_written"),
        *_columns(TEXT, "speaker", null=True),
        *columns,
        _check(table, "line", "line > 0"),
        _check(table, "retracted_in", "retracted_in > revision"),
        _foreign_key(table, "retracted_in", "revision"),
        _foreign_key(table, "revision", "revision"),
        _foreign_key(table, "source", "source"),
        _foreign_key(table, "subject", "entity"),
        _key(table, "id", "revision"),
        **options,
    )
    _index(table, "retracted_in", where="retracted_in IS NOT NULL")
    _index(table, "revision")
    _index(table, "source")


def _designations() -> None:
    levels = "'international', 'national', 'municipal', 'district', 'unstated'"
    columns = [
        *_columns(TEXT, "subject", "title_en", "title_zh", "level"),
        *_columns(TEXT, "conferred_by", "since", null=True),
        _check("designation", "level", f"level IN ({levels})"),
    ]
    _fact("designation", columns)
    _index("designation", "subject")


OBSERVATION_CHECKS = {
    "bounds": "lower <= upper",
    "bounds_basis": "bounds_basis IN ('stated', 'convention', 'none')",
    "bounds_none": "bounds_basis IS NOT NULL AND bounds_basis <> 'none' OR lower IS NULL AND upper IS NULL",
    "bounds_value": "(lower IS NULL OR lower <= value) AND (upper IS NULL OR upper >= value)",
    "claim": "value IS NOT NULL OR rank IS NOT NULL OR rank_band IS NOT NULL",
    "comparator": "comparator IN ('<', '<=', '=', '~', '>=', '>')",
    "hedge": "hedge IS NULL OR value IS NOT NULL",
    "nature": "nature IN ('actual', 'planned', 'target')",
    "period": "(period_basis = 'unstated') = (period_label IS NULL)",
    "period_basis": "period_basis IN ('stated', 'derived', 'unstated')",
    "period_dates": "(period_start IS NULL) = (period_end IS NULL) AND period_start <= period_end",
    "period_derived": "period_basis <> 'derived' OR period_start IS NOT NULL",
    "period_unstated": "period_basis <> 'unstated' OR period_start IS NULL",
    "rank": "rank >= 1 AND (rank_of IS NULL OR rank_of >= rank)",
    "rank_band": "rank_band IN ('leading', 'first_class')",
    "rank_or_band": "rank IS NULL OR rank_band IS NULL",
    "rank_scope": "(rank_scope_en IS NULL) = (rank_scope_zh IS NULL)",
    "value": "(value IS NULL) = (comparator IS NULL) AND (value IS NULL) = (bounds_basis IS NULL)",
}


def _observations() -> None:
    columns = [
        *_columns(TEXT, "indicator", "subject", "subject_kind"),
        *_columns(TEXT, "region", null=True),
        *_columns(TEXT, "nature"),
        *_columns(NUMBER, "value", null=True),
        *_columns(TEXT, "comparator", null=True),
        *_columns(NUMBER, "lower", "upper", null=True),
        *_columns(TEXT, "bounds_basis", "hedge", null=True),
        *_columns(sa.Integer(), "rank", "rank_of", null=True),
        *_columns(TEXT, "rank_band", "rank_scope_en", "rank_scope_zh", "rank_region", "period_label", null=True),
        *_columns(sa.Date(), "period_start", "period_end", null=True),
        *_columns(TEXT, "period_basis", "statement_en", "statement_zh"),
        *_columns(ROW_NUMBER, "number", null=True),
        *(_check("observation", name, rule) for name, rule in OBSERVATION_CHECKS.items()),
        _foreign_key("observation", "indicator", "indicator"),
        _foreign_key("observation", "rank_region", "entity"),
        _foreign_key("observation", "region", "entity"),
    ]
    _fact("observation", columns, sqlite_with_rowid=False)
    _index("observation", "indicator", "region")
    _index("observation", "indicator", "value")
    _index("observation", "region", "retracted_in", "id", "number")
    _index("observation", "subject", "retracted_in", "id", "number")
    _index("observation", "subject", "indicator", "nature", "source", "id")
    for table in ("observation_json_en", "observation_json_zh"):
        op.create_table(table, *_columns(ROW_NUMBER, "number"), *_columns(sa.LargeBinary(), "body"), _key(table, "number"))


def _relations() -> None:
    predicates = "'member_of', 'located_in', 'part_of', 'promotes', 'supports', 'partner_of'"
    columns = [
        *_columns(TEXT, "subject", "predicate", "object"),
        _check("relation", "predicate", f"predicate IN ({predicates})"),
        _foreign_key("relation", "object", "entity"),
    ]
    _fact("relation", columns)
    _index("relation", "object", "predicate")
    _index("relation", "subject", "predicate")


def _earlier_states() -> None:
    columns = {
        "entity_before": {"kind": TEXT, "region": TEXT, "name_en": TEXT, "name_zh": TEXT},
        "indicator_before": {"name_en": TEXT, "name_zh": TEXT, "topic": TEXT, "unit": TEXT},
        "source_before": {"published_on": sa.Date()},
        "observation_before": {"subject_kind": TEXT, "region": TEXT, "statement_en": TEXT, "statement_zh": TEXT},
    }
    for table, kinds in columns.items():
        op.create_table(
            table,
            *_columns(TEXT, "id"),
            *_columns(sa.Integer(), "held_from", "held_until"),
            *(sa.Column(name, kind, nullable=name in ("region", "published_on")) for name, kind in kinds.items()),
            _foreign_key(table, "held_from", "revision"),
            _foreign_key(table, "held_until", "revision"),
            _key(table, "id", "held_from"),
            sqlite_with_rowid=False,
        )


def _search() -> None:
    op.create_table(
        "search_entry",
        *_columns(sa.Integer(), "id"),
        *_columns(TEXT, "resource", "key"),
        *_columns(TEXT, "region", null=True),
        *_columns(TEXT, "title_en", "title_zh", "body"),
        *_columns(sa.Boolean(), "retired"),
        *_columns(sa.Integer(), "held_from"),
        *_columns(sa.Integer(), "held_until", null=True),
        _foreign_key("search_entry", "held_from", "revision"),
        _foreign_key("search_entry", "held_until", "revision"),
        _key("search_entry", "id"),
    )
    _index("search_entry", "resource", "key", "held_from", unique=True)
    for statement in SEARCH_INDEX[op.get_bind().dialect.name]:
        op.execute(statement)


def _access() -> None:
    op.create_table(
        "token",
        *_columns(TEXT, "id", "name", "sha256", "scopes"),
        *_columns(MOMENT, "issued_at"),
        *_columns(MOMENT, "expires_at", "revoked_at", "last_used_at", null=True),
        _key("token", "id"),
    )
    op.create_table(
        "audit",
        *_columns(sa.Integer(), "id"),
        *_columns(MOMENT, "at"),
        *_columns(TEXT, "actor", "action"),
        *_columns(TEXT, "target", "client", "request_id", null=True),
        *_columns(TEXT, "result"),
        *_columns(sa.Integer(), "revision", null=True),
        _key("audit", "id"),
    )
    for statement in APPEND_ONLY_AUDIT[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "receipt",
        *_columns(TEXT, "actor", "key", "request_sha256"),
        *_columns(sa.Integer(), "status"),
        *_columns(TEXT, "body"),
        *_columns(MOMENT, "answered_at"),
        _key("receipt", "actor", "key"),
    )
