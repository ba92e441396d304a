"""The tables of conversations, media and memories, and the steps that made them."""

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
)

# Ids alone, no words: what was forgotten is not remembered again.
forgotten = sa.table("forgotten", column("owner", sa.String), column("message_id", sa.String))

# What an owner decided for a conversation, which may not have a message yet.
choices = sa.table(
    "choices",
    column("owner", sa.String),
    column("conversation_id", sa.String),
    column("body", sa.Text),
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


MIGRATIONS: tuple[Migration, ...] = (
    conversations_and_messages,
    media_files,
    memories_of_owners,
    choices_of_conversations,
)
