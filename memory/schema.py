"""The tables of conversations, media and memories, as queries name them."""

import sqlalchemy as sa
from sqlalchemy import column

# One with a `deleted_at` was thrown away and is about to be deleted; nothing shows it. `forgets`: its
# memories go with it.
conversations = sa.table(
    "conversations",
    column("id", sa.String),
    column("owner", sa.String),
    column("title", sa.String),
    column("created_at", sa.Double),
    column("updated_at", sa.Double),
    column("pinned", sa.Boolean),
    column("folder", sa.String),
    column("deleted_at", sa.Double),
    column("forgets", sa.Boolean),
)

# Who has the `token` sees these `messages`, a JSON list of ids, under this title.
shares = sa.table(
    "shares",
    column("token", sa.String),
    column("owner", sa.String),
    column("conversation_id", sa.String),
    column("title", sa.Text),
    column("messages", sa.Text),
    column("shared_at", sa.Double),
)

# The messages of a conversation are a tree: `parent` is the message before, empty for the first, and
# `version` counts those with the same parent. Of these one is `chosen`; what is not reached by chosen
# ones alone is `replaced`. The others are the conversation as it is shown: `seq` counts them from 0
# without a gap. `body` is the whole message as JSON; `rating` is 1 for a like, -1 for a dislike.
# `remembered`: it had memories when its branch was left. `replica` is the Parley that made a reply,
# and while that runs the only one that may say how it ended.
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
    column("parent", sa.String),
    column("version", sa.Integer),
    column("chosen", sa.Boolean),
    column("rating", sa.Integer),
    column("remembered", sa.Boolean),
    column("replica", sa.Integer),
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
