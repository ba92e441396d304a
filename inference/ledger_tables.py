"""The ledger's tables and the steps that made them."""

from collections.abc import Callable

import sqlalchemy as sa

entries = sa.table(
    "ledger_entries",
    sa.column("id", sa.Integer),
    sa.column("day", sa.String),
    sa.column("at", sa.Float),
    sa.column("owner", sa.String),
    sa.column("pool", sa.String),
    sa.column("conversation_id", sa.String),
    sa.column("turn_id", sa.String),
    sa.column("purpose", sa.String),
    sa.column("provider", sa.String),
    sa.column("model", sa.String),
    sa.column("outcome", sa.String),
    sa.column("seconds", sa.Float),
    sa.column("prompt_tokens", sa.Integer),
    sa.column("completion_tokens", sa.Integer),
    sa.column("prompt_estimated", sa.Integer),
    sa.column("completion_estimated", sa.Integer),
    sa.column("replica", sa.Integer),
)
days = sa.table(
    "ledger_days",
    sa.column("provider", sa.String),
    sa.column("day", sa.String),
    sa.column("used", sa.Integer),
)
# What visitors used of a day: all of them, those of one network, each of them.
shares = sa.table(
    "ledger_shares",
    sa.column("provider", sa.String),
    sa.column("day", sa.String),
    sa.column("scope", sa.String),
    sa.column("used", sa.Integer),
)
# What a provider last said of its own count; rate_headers.Told says what the columns mean.
told = sa.table(
    "ledger_told",
    sa.column("provider", sa.String),
    sa.column("model", sa.String),
    sa.column("span", sa.String),
    sa.column("most", sa.Integer),
    sa.column("left_over", sa.Float),
    sa.column("at", sa.Float),
    sa.column("each_s", sa.Float),
    sa.column("resets_at", sa.Float),
)


def ledger_of_requests(connection: sa.Connection) -> None:
    """The ledger's first two tables."""
    tables = sa.MetaData()
    sa.Table(
        "ledger_entries",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("turn_id", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("completion_tokens", sa.Integer, nullable=False),
        sa.Index("ledger_entries_by_owner", "provider", "day", "owner"),
    )
    sa.Table(
        "ledger_days",
        tables,
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
    )
    tables.create_all(connection)


def budgets_of_providers(connection: sa.Connection) -> None:
    """Shares of visitors, the providers' own words, estimates, and an index for each question."""
    for column in (
        "pool VARCHAR NOT NULL DEFAULT ''",
        "prompt_estimated INTEGER NOT NULL DEFAULT 0",
        "completion_estimated INTEGER NOT NULL DEFAULT 0",
    ):
        connection.execute(sa.text(f"ALTER TABLE ledger_entries ADD COLUMN {column}"))
    connection.execute(sa.text("DROP INDEX ledger_entries_by_owner"))
    for name, columns in (
        ("ledger_entries_of_owner", "provider, owner, day"),
        ("ledger_entries_by_time", "provider, at"),
        ("ledger_entries_of_turn", "turn_id"),
    ):
        connection.execute(sa.text(f"CREATE INDEX {name} ON ledger_entries ({columns})"))
    tables = sa.MetaData()
    sa.Table(
        "ledger_shares",
        tables,
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
    )
    sa.Table(
        "ledger_told",
        tables,
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("span", sa.String(6), primary_key=True),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("left_over", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("each_s", sa.Float, nullable=False),
        sa.Column("resets_at", sa.Float, nullable=False),
    )
    tables.create_all(connection)


def replicas_that_sent(connection: sa.Connection) -> None:
    """Which of several Parleys sent a request: the others leave it alone while that one lives."""
    connection.execute(
        sa.text("ALTER TABLE ledger_entries ADD COLUMN replica INTEGER NOT NULL DEFAULT 0")
    )
    entry = sa.Table(
        "ledger_entries",
        sa.MetaData(),
        sa.Column("id", sa.Integer),
        sa.Column("outcome", sa.String),
    )
    unclosed = entry.c.outcome == "open"
    sa.Index(
        "ledger_entries_open", entry.c.id, sqlite_where=unclosed, postgresql_where=unclosed
    ).create(connection)


MIGRATIONS: list[Callable[[sa.Connection], None]] = [
    ledger_of_requests,
    budgets_of_providers,
    replicas_that_sent,
]
