"""The tables, and what each row means. One set of definitions for SQLite and PostgreSQL.

Nothing here runs a query. Instants are stored as milliseconds since 1970 so that both databases compare them alike.
``migrations/`` brings an older database to this shape; a test holds the two together.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from bot.model import DeliveryState

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    """An instant as it is stored. Integer arithmetic: ``timestamp()`` is a float and loses those of far years."""
    return (at - EPOCH) // timedelta(milliseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as whole milliseconds since 1970-01-01T00:00Z; years before 1970 are negative."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """As the database has it."""
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware datetime in UTC."""
        return None if value is None else EPOCH + timedelta(milliseconds=value)


#: Constraints get names, so that a migration can speak of them on both databases.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
#: SQLite numbers rows by itself only for a column typed INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

#: A place that is read, known by its address: two names in feeds.yaml may share one.
feeds = Table(
    "feeds",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),  # host:port of the address; "" for archives
    Column("title", Text),
    Column("home", Text),
    Column("language", Text),
    Column("etag", LargeBinary),
    Column("last_modified", LargeBinary),
    Column("digest", LargeBinary),
    Column("validators_url", Text),
    Column("items", LargeBinary),  # what its source remembers of each item; opaque
    Column("baseline_at", Instant),  # end of the first reading that succeeded; NULL before
    Column("last_shown", LargeBinary),  # hashes of the entries of the last document, and their posts
    Column("guid_unreliable", Boolean, nullable=False, server_default="0"),  # one guid was on different entries, once
    Column("resumed", Boolean, nullable=False, server_default="0"),  # received again; not read since
    Column("next_check_at", Instant, nullable=False),
    Column("next_check_why", Text, nullable=False, server_default=""),
    Column("attempted_at", Instant),
    Column("succeeded_at", Instant),
    Column("error", Text),  # of the last attempt; NULL when it succeeded
    # Its health (``health.py``), moved on by each reading.
    Column("health", Text, nullable=False, server_default="ok"),
    Column("health_since", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("parse_failures", Integer, nullable=False, server_default="0"),  # of them, answers that were no feed
    Column("failing_since", Instant),
    Column("gone_since", Instant),  # the first 410 in a row
    Column("gone", Boolean, nullable=False, server_default="0"),  # not asked any more
    Column("moved_to", Text),  # asked instead of url, which is that of feeds.yaml
    Column("announced_url", Text),  # where its document says that it is now; a hint for people
    Column("redirect_to", Text),  # a permanent redirect that is not proven yet
    Column("redirect_since", Instant),
    Column("redirect_times", Integer, nullable=False, server_default="0"),
    Column("newest_at", Instant),  # of its posts
    Column("gap_seconds", Integer),  # the usual time between two of them
    Column("merged_into", BigInteger),  # the feed to whose address this one moved; its names lead there
    Column("lease_until", Instant),
    Column("lease_owner", Text),  # process.py: which process holds it
    Column("lease_no", BigInteger, nullable=False, server_default="0"),  # fencing: grows with every claim
    UniqueConstraint("kind", "url"),
    Index("ix_feeds_next_check_at", "next_check_at"),  # poller: what is due
)

#: The names of feeds.yaml. A name that left the file is kept, inactive, so that it may return.
feed_names = Table(
    "feed_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("feed_id", ForeignKey("feeds.id"), nullable=False, index=True),
    Column("active", Boolean, nullable=False),
)

#: One request at a time to a host, spaced; ``name`` is host:port, never an address.
hosts = Table(
    "hosts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_at", Instant, nullable=False),
)

posts = Table(
    "posts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("feed_id", ForeignKey("feeds.id"), nullable=False),
    Column("ident", Text, nullable=False),
    Column("title", Text),
    Column("link", Text),
    Column("published_at", Instant),
    Column("updated_at", Instant),
    Column("date_only", Boolean, nullable=False),
    Column("author", Text),
    Column("language", Text),
    Column("tags", JSON, nullable=False),
    Column("summary", Text),
    Column("content", Text),
    Column("article", Text),  # of the page it links to; fetched once, no part of identity
    Column("enclosures", JSON, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),  # hash of the visible text: another one is an edit
    Column("version", Integer, nullable=False, server_default="1"),  # grows with every change of the words
    Column("edit_count", Integer, nullable=False, server_default="0"),  # changes that counted: routing.edit_acts
    Column("last_edit_at", Instant),  # of the last one that counted
    Column("first_seen_at", Instant, nullable=False),
    Column("effective_at", Instant, nullable=False),  # orders posts: published, or first seen
    Column("is_old", Boolean, nullable=False),  # found by the first reading of its feed
    Column("held", Text),  # why it waits for a person; NULL where it does not
    UniqueConstraint("feed_id", "ident"),
    Index("ix_posts_feed_id_effective_at", "feed_id", "effective_at"),  # newest N of a feed
    Index("ix_posts_effective_at", "effective_at", "feed_id"),  # /latest and /archive over all feeds
    # What nobody may see yet: few, and left out of every list.
    Index("ix_posts_held", "id", sqlite_where=text("held IS NOT NULL"), postgresql_where=text("held IS NOT NULL")),
)

#: How posts are known again (``identity.py``): kind is G, L or C.
post_keys = Table(
    "post_keys",
    metadata,
    Column("feed_id", ForeignKey("feeds.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("post_id", ForeignKey("posts.id"), nullable=False, index=True),
    Column("last_seen_at", Instant, nullable=False),  # to the day
    # The same page in other feeds (``stories.py``).
    Index("ix_post_keys_link", "hash", sqlite_where=text("kind = 'L'"), postgresql_where=text("kind = 'L'")),
)

#: Pairs of words in the titles of posts that went to a channel: how posts that tell the same story are found.
shingles = Table(
    "shingles",
    metadata,
    Column("shingle", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, primary_key=True),  # the post's effective_at: only a few days are looked at
    Column("post_id", ForeignKey("posts.id"), primary_key=True),
    sqlite_with_rowid=False,
)

#: Which posts are in the search index, and under which key. The index itself is ``post_words``, which is made by a
#: migration of its own: it is a virtual table on SQLite, and each database has its own columns.
search_places = Table(
    "search_places",
    metadata,
    Column("post_id", ForeignKey("posts.id"), primary_key=True, autoincrement=False),
    Column("place", BigInteger, nullable=False, unique=True),  # search.py: the post's minute, then its id
)

#: Posts whose words are still to go into the index: written with the post, taken out with its words.
unindexed = Table(
    "unindexed",
    metadata,
    Column("post_id", ForeignKey("posts.id"), primary_key=True, autoincrement=False),
)

#: Tables that Alembic must not compare: what is not in ``metadata`` and belongs here all the same.
WRITTEN_BY_HAND = ("post_words", "procrastinate_")


def is_compared(name: str | None, kind: str, _parents: object = None) -> bool:
    """Whether Alembic looks at a table: not at the search index and what SQLite keeps it in, nor at Procrastinate's."""
    return kind != "table" or not (name or "").startswith(WRITTEN_BY_HAND)


#: Where a bot posts: a chat and, in a forum, a topic (0: none). ``chat`` is as written in feeds.yaml.
targets = Table(
    "targets",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("bot_id", BigInteger, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Integer, nullable=False),
    Column("channel", Text, nullable=False),  # its name in feeds.yaml; "" for a chat that only follows by itself
    Column("chat_id", BigInteger),  # NULL until Telegram was asked
    Column("error", Text),  # why it could not be resolved
    UniqueConstraint("bot_id", "chat", "thread"),
    Index("ix_targets_bot_id_chat_id", "bot_id", "chat_id"),
)

#: A chat's deliveries go out one at a time: whoever holds the lease of its lane sends.
lanes = Table(
    "lanes",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("next_at", Instant),  # when to look at it again; NULL: nothing waits
    Column("paused", Text),  # what right is missing; NULL: it runs
    Column("lease_until", Instant),
    Column("lease_owner", Text),
    Column("lease_no", BigInteger, nullable=False, server_default="0"),
    Index("ix_lanes_bot_id_next_at", "bot_id", "next_at"),  # outbox: which lanes are due
)

#: A route: a feed, by one of its names, into a target. Or a subscriber's own: a feed or a hashtag that a chat follows.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("bot_id", BigInteger, nullable=False),
    Column("own", Boolean, nullable=False, server_default="0"),  # a subscriber's; feeds.yaml says nothing of it
    Column("feed_id", ForeignKey("feeds.id"), index=True),  # NULL: a hashtag of any feed
    Column("tag", Text, index=True),  # folded (persian.key_fold), of own ones
    Column("target_id", ForeignKey("targets.id"), nullable=False),
    Column("feed_name", Text, nullable=False),  # of own ones the feed's number, or the hashtag as it was written
    Column("created_at", Instant, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False, server_default="0"),  # own: its chat left, and may come back
    Column("muted_until", Instant),  # own: nothing is sent before
    UniqueConstraint("bot_id", "target_id", "own", "feed_name"),
)

#: Posts that wait for an admin's button, and who decided what: rows stay, as the record.
approvals = Table(
    "approvals",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False, unique=True),  # what the buttons carry
    Column("held_at", Instant, nullable=False),
    Column("asked_at", Instant),  # when the card was shown
    Column("expires_at", Instant),
    Column("chat_id", BigInteger),  # of the card
    Column("message_id", BigInteger),
    Column("decision", Text),  # post | skip
    Column("decided_at", Instant),
    Column("decided_by", BigInteger),  # NULL: nobody, time ran out or nobody is asked any more
    Column("decided_name", Text),
    Column("prompt_id", BigInteger),  # of the message that asked for another title, in the chat of the card
    Column("titled_at", Instant),
    Column("titled_by", BigInteger),  # who gave it the title that ``deliveries`` holds
    Column("titled_name", Text),
    Index("ix_approvals_decision", "decision"),
)

#: What was told together: one row a slot, with or without a delivery, so that none is told twice.
digests = Table(
    "digests",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("target_id", ForeignKey("targets.id"), nullable=False),
    Column("plan", Text, nullable=False),  # DigestPlan.name, or "overflow"
    Column("slot_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),  # what came until then is told
    Column("posts", Integer, nullable=False),  # 0: there was nothing to tell, or it begins here
    UniqueConstraint("target_id", "plan", "slot_at"),
)

#: The outbox. States and transitions: ``outbox/delivering.py``.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("bot_id", BigInteger, nullable=False),
    Column("target_id", ForeignKey("targets.id"), nullable=False),
    Column("post_id", ForeignKey("posts.id"), index=True),  # NULL: a digest
    Column("kind", Text, nullable=False),  # post | digest
    Column(
        "digest_id", ForeignKey("digests.id"), index=True
    ),  # of a post: the digest it went out in, by itself dropped
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False),
    Column("turn", SmallInteger, nullable=False),  # DeliveryClass
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("approved_at", Instant),  # what was shown to the admins, and is in ``parts``, may go
    Column("title", Text),  # an admin's; NULL: the post's own
    Column("wait", Text),  # Wait: why ``due_at`` is later; NULL where nothing holds it back
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_at", Instant),
    Column("attempt_at", Instant),  # of the last attempt, committed before it was made
    Column("parts", JSON, nullable=False),  # the messages of that attempt
    Column("message_ids", JSON, nullable=False),  # of the parts that are out
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in DeliveryState)), name="state"),
    UniqueConstraint("bot_id", "target_id", "post_id", "kind"),
    Index("ix_deliveries_target_id_state_turn_id", "target_id", "state", "turn", "id"),  # head of a lane
    Index("ix_deliveries_target_id_sent_at", "target_id", "sent_at"),  # pacing after a restart; the preview
)

#: Why a post did not go to a target. Posts from before a subscription have no row: they are its baseline.
verdicts = Table(
    "verdicts",
    metadata,
    Column("post_id", ForeignKey("posts.id"), primary_key=True),
    Column("target_id", ForeignKey("targets.id"), primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

#: Messages that are out, or on their way, and are to be changed in place. The row stays when that was done.
edits = Table(
    "edits",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("due_at", Instant),  # NULL: nothing is to be changed
    Column("asked", Integer, nullable=False, server_default="1"),  # grows with every wish
    Column("attempts", Integer, nullable=False, server_default="0"),  # since the last success
    Column("edited_at", Instant),  # of the last change: it counts in the chat's pace
    Column("error", Text),
    Index("ix_edits_due_at", "due_at"),
    Index("ix_edits_edited_at", "edited_at"),
)

#: Posts of other feeds that a message names, since they tell the same story.
mentions = Table(
    "mentions",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("post_id", ForeignKey("posts.id"), primary_key=True, autoincrement=False),
)

#: The last time that each loop of each running process ended well; empty while none runs.
loops = Table(
    "loops",
    metadata,
    Column("process", Text, primary_key=True),  # process.py
    Column("name", Text, primary_key=True),
    Column("succeeded_at", Instant, nullable=False),
    Column("late_at", Instant, nullable=False),  # when it must have done so again: its own schedule's word
)

#: Which of Procrastinate's own migrations this database has (``workers.py``); empty where no worker ever ran.
engine_migrations = Table("engine_migrations", metadata, Column("name", Text, primary_key=True))

#: How long Telegram wants to hear nothing from a bot, by the database's clock. On PostgreSQL, where processes share it.
paces = Table(
    "paces",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # free | paid
    Column("held_until", Instant),
)

#: How much of a bot's pace each process has (``pacing.py``): messages that it may have before Telegram in any second.
pace_shares = Table(
    "pace_shares",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("most", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("least", Integer, nullable=False),
    Column("since", Instant, nullable=False),  # the first in order is the one that came first
    Column("until", Instant, nullable=False),  # by the database's clock
)

#: Slots of replays that are done, with or without a post.
replays = Table(
    "replays",
    metadata,
    Column("subscription_id", ForeignKey("subscriptions.id"), primary_key=True),
    Column("slot_at", Instant, primary_key=True),
    Column("post_id", ForeignKey("posts.id")),
)

#: How Telegram calls what we sent: a picture that one chat got is not fetched again for the next.
files = Table(
    "files",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("address", LargeBinary, primary_key=True),  # hash of the address, and of what it was sent as
    Column("file_id", Text, nullable=False),
    Column("kept_at", Instant, nullable=False, index=True),
)

#: What the admin was to be told: the log of the status page.
notices = Table(
    "notices",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
)

#: What an admin paused: what comes of a feed, or for a channel, is kept and goes out in order when it is resumed.
pauses = Table(
    "pauses",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # feed | channel
    Column("name", Text, primary_key=True),  # of feeds.yaml
    Column("since", Instant, nullable=False),
    Column("until", Instant),  # NULL: until somebody resumes it
)

#: Sends of unknown outcome that were repeated unseen: their chat may have the message twice.
doubles = Table(
    "doubles",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
)

#: What needed a person, and whether they know: told at most once a day, and not again once somebody has seen it.
concerns = Table(
    "concerns",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),  # concerns.py: what it is, and of what
    Column("told_at", Instant),
    Column("seen_at", Instant),
)

#: The card in the admin chat that tells of them: one for each bot.
admin_cards = Table(
    "admin_cards",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("token", Text, nullable=False),  # what its buttons carry
    Column("sent_at", Instant, nullable=False),
    Column("keys", JSON, nullable=False),  # of its concerns, in their order
    Column("shown", LargeBinary, nullable=False),  # hash of what it says
)

#: Admins who came by the claim link; those of feeds.yaml are not here.
admins = Table(
    "admins",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("claimed_at", Instant, nullable=False),
)

#: What a chat chose for itself when it talked to the bot.
chats = Table(
    "chats",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("language", Text),  # NULL: never chosen
    Column("options", JSON, nullable=False, server_default="{}"),  # model.ChatOptions, what differs from the default
    Column("next_digest_at", Instant),  # NULL: it gets none
    Column("last_seen_id", BigInteger),  # of its messages, where they are numbered by themselves; NULL: nobody looked
    Index("ix_chats_next_digest_at", "bot_id", "next_digest_at"),
)

#: Copies for an admin of messages that were looked at: written before they are made, gone when they are deleted.
copies = Table(
    "copies",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("bot_id", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False),  # the chat they go to
    Column("chat_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("copy_id", BigInteger),  # NULL until Telegram has answered
    Column("planned_at", Instant, nullable=False),
    Column("owner", Text, nullable=False),  # process.py: who will delete it
)

#: Updates of Telegram that were answered: their numbers, no words of anybody. Cleared after two days.
taken_updates = Table(
    "taken_updates",
    metadata,
    Column("bot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
    Column("membership_of", BigInteger, index=True),  # the chat in which the bot's own standing changed
)
