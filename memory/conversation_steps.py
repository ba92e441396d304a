"""The steps of the schema by which conversations are pinned, put in folders, thrown away and shared."""

import sqlalchemy as sa


def places_of_conversations(connection: sa.Connection) -> None:
    for new in (
        "pinned BOOLEAN NOT NULL DEFAULT FALSE",
        "folder TEXT NOT NULL DEFAULT ''",
        "deleted_at DOUBLE PRECISION NOT NULL DEFAULT 0",
        "forgets BOOLEAN NOT NULL DEFAULT FALSE",
    ):
        connection.exec_driver_sql(f"ALTER TABLE conversations ADD COLUMN {new}")
    few = sa.Table(
        "conversations",
        sa.MetaData(),
        sa.Column("deleted_at", sa.Double),
    )
    thrown = sa.text("deleted_at > 0")
    sa.Index(
        "thrown_conversations", few.c.deleted_at, sqlite_where=thrown, postgresql_where=thrown
    ).create(connection)


def shares_of_conversations(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table("conversations", tables, sa.Column("id", sa.String(32), primary_key=True))
    shares = sa.Table(
        "shares",
        tables,
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column(
            "conversation_id",
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("messages", sa.Text, nullable=False),
        sa.Column("shared_at", sa.Double, nullable=False),
        sa.Index("shares_of_owner", "owner"),
    )
    shares.create(connection)
