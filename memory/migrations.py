"""The steps that made the tables, in their order; once released a step is never changed."""

import secrets

import sqlalchemy as sa

from memory.conversation_steps import places_of_conversations, shares_of_conversations
from memory.database import Migration
from memory.said_words import words_of_messages
from memory.schema import installation, messages


def conversations_and_messages(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "conversations",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Index("conversations_of_owner", "owner", "updated_at"),
    )
    rows = sa.Table(
        "messages",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "conversation_id",
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("replaced", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    listed, running = sa.not_(rows.c.replaced), rows.c.status == "running"
    place, one = (rows.c.conversation_id, rows.c.seq), rows.c.conversation_id
    sa.Index("messages_in_order", *place, unique=True, sqlite_where=listed, postgresql_where=listed)
    sa.Index("one_running", one, unique=True, sqlite_where=running, postgresql_where=running)
    tables.create_all(connection, checkfirst=False)


def media_files(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table("messages", tables, sa.Column("id", sa.String(32), primary_key=True))
    links = sa.Table(
        "message_media",
        tables,
        sa.Column("message_id", sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Index("uses_of_media", "owner", "sha256"),
    )
    files = sa.Table(
        "media",
        tables,
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
    tables.create_all(connection, tables=[links, files], checkfirst=False)


def memories_of_owners(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "memories",
        tables,
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("message_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Index("memories_of_owner", "owner", "position"),
        sa.Index("memories_of_conversation", "owner", "conversation_id"),
        sqlite_autoincrement=True,
    )
    sa.Table(
        "forgotten",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("message_id", sa.String(32), primary_key=True),
    )
    tables.create_all(connection, checkfirst=False)


def choices_of_conversations(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "choices",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.String(32), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def kinds_of_memories(connection: sa.Connection) -> None:
    for new in (
        "kind VARCHAR(16) NOT NULL DEFAULT 'said'",
        "speaker TEXT NOT NULL DEFAULT ''",
        "pinned BOOLEAN NOT NULL DEFAULT FALSE",
        "source VARCHAR(64) NOT NULL DEFAULT ''",
        "source_name TEXT NOT NULL DEFAULT ''",
        "page INTEGER NOT NULL DEFAULT 0",
        "subject TEXT NOT NULL DEFAULT ''",
        "superseded_at DOUBLE PRECISION NOT NULL DEFAULT 0",
        "superseded_by VARCHAR(32) NOT NULL DEFAULT ''",
        "edited_at DOUBLE PRECISION NOT NULL DEFAULT 0",
    ):
        connection.exec_driver_sql(f"ALTER TABLE memories ADD COLUMN {new}")
    for index, columns in (
        ("memories_of_message", "owner, message_id"),
        ("memories_by_kind", "owner, kind, position"),
        ("memories_in_time", "owner, at, position"),
        ("memories_of_conversation_in_time", "owner, conversation_id, at"),
    ):
        connection.exec_driver_sql(f"CREATE INDEX {index} ON memories ({columns})")
    few = sa.Table(
        "memories", sa.MetaData(), sa.Column("owner", sa.Text), sa.Column("at", sa.Double)
    )
    # SQLite uses it only for conditions that are written like this one.
    sa.Index(
        "pinned_memories",
        few.c.owner,
        few.c.at,
        sqlite_where=sa.text("pinned = 1"),
        postgresql_where=sa.text("pinned"),
    ).create(connection)


def pinned_messages(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("ALTER TABLE messages ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE")
    )


def counts_and_summaries(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "calibrations",
        tables,
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    sa.Table(
        "summaries",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.String(32), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("upto", sa.String(32), nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("tried", sa.String(32), nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def pages_of_documents(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "document_pages",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def identity_of_the_installation(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table("installation", tables, sa.Column("id", sa.String(16), primary_key=True))
    tables.create_all(connection, checkfirst=False)
    connection.execute(sa.insert(installation).values(id=secrets.token_hex(6)))


def permissions_of_tools(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "tool_permissions",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.String(32), primary_key=True),
        sa.Column("tool", sa.String(200), primary_key=True),
        sa.Column("permission", sa.String(8), nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def memories_as_ranked(connection: sa.Connection) -> None:
    # All that tells whether an index is up to date, without a look at the rows: 1 ms for 10,000.
    columns = "owner, superseded_at, kind, conversation_id, position, pinned"
    connection.exec_driver_sql(f"CREATE INDEX memories_as_ranked ON memories ({columns})")


def words_of_recordings(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "transcripts",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("rough", sa.Boolean, nullable=False),
        sa.Column("free", sa.Boolean, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def views_of_files(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    sa.Table(
        "views",
        tables,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("picture", sa.String(64), nullable=False),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def versions_of_messages(connection: sa.Connection) -> None:
    for new in (
        "parent VARCHAR(32) NOT NULL DEFAULT ''",
        "version INTEGER NOT NULL DEFAULT 0",
        "chosen BOOLEAN NOT NULL DEFAULT TRUE",
        "rating INTEGER NOT NULL DEFAULT 0",
        "remembered BOOLEAN NOT NULL DEFAULT FALSE",
    ):
        connection.execute(sa.text(f"ALTER TABLE messages ADD COLUMN {new}"))
    said = messages.alias()
    before = sa.select(said.c.id).where(
        said.c.conversation_id == messages.c.conversation_id,
        said.c.seq == messages.c.seq - 1,
        sa.not_(said.c.replaced),
    )
    # Until now only the last reply could be asked for again.
    follows = sa.update(messages).where(messages.c.seq > 0)
    connection.execute(follows.values(parent=before.scalar_subquery()))
    asked_again = sa.select(messages.c.conversation_id, messages.c.seq).where(messages.c.replaced)
    for conversation_id, seq in connection.execute(asked_again.distinct()).all():
        here = (messages.c.conversation_id == conversation_id, messages.c.seq == seq)
        ids = sa.select(messages.c.id).where(*here)
        ordered = ids.order_by(messages.c.replaced.desc(), messages.c.at, messages.c.id)
        for version, message_id in enumerate(connection.execute(ordered).scalars().all()):
            one = sa.update(messages).where(messages.c.id == message_id)
            of_chosen = sa.not_(messages.c.replaced)
            connection.execute(one.values(version=version, chosen=of_chosen))
    left = sa.Table(
        "messages",
        sa.MetaData(),
        sa.Column("conversation_id", sa.String(32)),
        sa.Column("parent", sa.String(32)),
        sa.Column("replaced", sa.Boolean),
    )
    # SQLite uses it only for conditions that are written like this one.
    sa.Index(
        "messages_left",
        left.c.conversation_id,
        left.c.parent,
        sqlite_where=sa.text("replaced = 1"),
        postgresql_where=sa.text("replaced"),
    ).create(connection)


def replicas_that_answer(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("ALTER TABLE messages ADD COLUMN replica INTEGER NOT NULL DEFAULT 0")
    )


MIGRATIONS: tuple[Migration, ...] = (
    conversations_and_messages,
    media_files,
    memories_of_owners,
    choices_of_conversations,
    kinds_of_memories,
    pinned_messages,
    counts_and_summaries,
    pages_of_documents,
    identity_of_the_installation,
    permissions_of_tools,
    memories_as_ranked,
    words_of_recordings,
    views_of_files,
    versions_of_messages,
    replicas_that_answer,
    places_of_conversations,
    shares_of_conversations,
    words_of_messages,
)
