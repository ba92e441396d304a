"""The tables of conversations, media and memories, and the steps that made them."""

import secrets

import sqlalchemy as sa
from sqlalchemy import column

from memory.database import Migration

conversations = sa.table(
    "conversations",
    column("id", sa.String),
    column("owner", sa.String),
    column("title", sa.String),
    column("created_at", sa.Double),
    column("updated_at", sa.Double),
)

# `seq` counts the messages of a conversation from 0 without a gap. A reply that was asked for again
# is kept as `replaced`; the new one has its seq. `body` is the whole message as JSON.
messages = sa.table(
    "messages",
    column("id", sa.String),
    column("conversation_id", sa.String),
    column("owner", sa.String),
    column("seq", sa.Integer),
    column("role", sa.String),
    column("status", sa.String),
    column("at", sa.Double),
    column("replaced", sa.Boolean),
    column("body", sa.Text),
    column("pinned", sa.Boolean),
)

# Which message refers to which bytes.
message_media = sa.table(
    "message_media",
    column("message_id", sa.String),
    column("owner", sa.String),
    column("sha256", sa.String),
)

# Who may see which bytes; the bytes themselves are files.
media = sa.table(
    "media",
    column("sha256", sa.String),
    column("owner", sa.String),
    column("mime", sa.String),
    column("size", sa.BigInteger),
    column("name", sa.String),
)

# `position` only ever grows and is never given twice, so that an owner's count and greatest
# position tell whether anything changed.
memories = sa.table(
    "memories",
    column("position", sa.Integer),
    column("id", sa.String),
    column("owner", sa.String),
    column("conversation_id", sa.String),
    column("message_id", sa.String),
    column("role", sa.String),
    column("text", sa.Text),
    column("at", sa.Double),
    column("kind", sa.String),
    column("speaker", sa.Text),
    column("pinned", sa.Boolean),
    column("source", sa.String),
    column("source_name", sa.Text),
    column("page", sa.Integer),
    column("subject", sa.Text),
    column("superseded_at", sa.Double),
    column("superseded_by", sa.String),
    column("edited_at", sa.Double),
)

# Ids alone, no words: what was forgotten is not remembered again. An id is that of a message, or of
# a memory that is only part of one.
forgotten = sa.table("forgotten", column("owner", sa.String), column("message_id", sa.String))

# What an owner decided for a conversation, which may not have a message yet.
choices = sa.table(
    "choices",
    column("owner", sa.String),
    column("conversation_id", sa.String),
    column("body", sa.Text),
)


# What is known of how a model counts tokens: a number for each kind of text, and how sure it is.
calibrations = sa.table("calibrations", column("model", sa.Text), column("body", sa.Text))

# What stands for the earlier part of a conversation, up to and with the message `upto`.
# `tried`: up to where a summary was last attempted in vain.
summaries = sa.table(
    "summaries",
    column("owner", sa.String),
    column("conversation_id", sa.String),
    column("text", sa.Text),
    column("upto", sa.String),
    column("messages", sa.Integer),
    column("model", sa.Text),
    column("at", sa.Double),
    column("tried", sa.String),
)

# The words of attached documents; pages count from 1. `tokens` is the estimate of each.
document_pages = sa.table(
    "document_pages",
    column("owner", sa.String),
    column("sha256", sa.String),
    column("page", sa.Integer),
    column("text", sa.Text),
    column("tokens", sa.Integer),
)

# Pictures made of an attached file: pages of a scan, pieces of a long picture. The pictures themselves
# are media of their own.
views = sa.table(
    "views",
    *map(column, ("owner", "sha256", "number", "picture", "mime", "size", "width", "height")),
)

# One row: what tells this database from all others.
installation = sa.table("installation", column("id", sa.String))

# What an owner allows a tool: for all conversations where `conversation_id` is empty, else for one.
tool_permissions = sa.table(
    "tool_permissions",
    column("owner", sa.String),
    column("conversation_id", sa.String),
    column("tool", sa.String),
    column("permission", sa.String),
)

# The words of a recording, as a model understood them. `told`: a reply says already what it took.
transcripts = sa.table(
    "transcripts",
    column("owner", sa.String),
    column("sha256", sa.String),
    column("text", sa.Text),
    column("model", sa.Text),
    column("rough", sa.Boolean),
    column("free", sa.Boolean),
    column("told", sa.Boolean),
)


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
)
