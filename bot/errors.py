"""Every error the program raises on purpose, as a class for each next action of the caller.

A leaf: imports nothing. Foreign exceptions are turned into these at the seams (``sources/fetch.py``,
``sources/parsing.py``, ``storage/database.py``, ``sender/``) and nowhere else.

    BotError
    ├── ConfigError             the operator edits the file or the environment; exit code 2
    │   └── NotWritten          feeds.yaml could not be changed for somebody; they get the lines to paste
    ├── StorageError            the transaction is undone; the database says why
    ├── SourceError             the feed backs off; nothing of it is stored
    │   ├── FetchError          the publisher or the network said no
    │   ├── FeedGone            the publisher says it is gone for good (410)
    │   ├── ParseError          what came is not a feed
    │   └── ArchiveError        the archive on disk cannot be read
    └── DeliveryError           a message did not (surely) reach its chat
        ├── RetryLater          the outbox tries again after the time it names
        ├── Uncertain           the answer may hide a success: settle before the lane goes on
        ├── ChatMigrated        the lane moves to the new chat id, then sends again
        ├── ChatGone            nothing can reach this chat; its deliveries are dead
        ├── RightsMissing       an admin of the chat must act; the lane is paused, its posts kept
        ├── MessageRejected     Telegram will never take this message; the delivery is dead
        └── TokenRejected       the token is wrong or revoked; everything stops
"""

from datetime import timedelta


class BotError(Exception):
    """Base of all. Its text is for the operator and ends with what to do."""


class ConfigError(BotError):
    """The configuration or the call is wrong.

    ``problems`` holds every problem found, one line each, as ``file:line:column: what; what to do``.
    """

    def __init__(self, problems: str | list[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))


class NotWritten(ConfigError):
    """feeds.yaml is as it was; ``lines`` are what was to go into it."""

    def __init__(self, problem: str, lines: str) -> None:
        self.lines = lines
        super().__init__(problem)


class StorageError(BotError):
    """The database refused; what was being written is undone."""


class SourceError(BotError):
    """A feed could not be read. ``retry_after`` is the publisher's own word, where it gave one."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class FetchError(SourceError):
    """No usable answer: network, TLS, a status, a limit. ``status`` is None where none came."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
        is_unknown_host: bool = False,
    ) -> None:
        self.status = status
        self.is_unknown_host = is_unknown_host
        super().__init__(message, retry_after=retry_after)


class FeedGone(FetchError):
    """410: the publisher asks not to be asked again; believed when it is said twice (``health.py``)."""


class ParseError(SourceError):
    """An answer came that is not a feed, or could not be parsed within its limits."""


class ArchiveError(SourceError):
    """An archive file is missing, unreadable, or in no known format."""


class DeliveryError(BotError):
    """A message was not taken by its chat."""


class RetryLater(DeliveryError):
    """Surely not sent, and worth another try.

    ``after`` is Telegram's own word where it gave one; None leaves it to the outbox's back-off.
    """

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        self.after = after
        super().__init__(message)


class Uncertain(DeliveryError):
    """The request was written and no clear answer came: it may have been sent."""


class ChatMigrated(DeliveryError):
    """A group became a supergroup; ``new_chat_id`` is where it lives now."""

    def __init__(self, message: str, *, new_chat_id: int) -> None:
        self.new_chat_id = new_chat_id
        super().__init__(message)


class ChatGone(DeliveryError):
    """Blocked, kicked, deleted or never known: nothing reaches this chat."""


class RightsMissing(DeliveryError):
    """The bot may not post here until an admin of the chat allows it."""


class MessageRejected(DeliveryError):
    """This very message is refused, however often it is tried.

    ``media`` is true when its picture is what was refused, of an album the one with number ``item``; ``buttons`` when
    its buttons are, ``entities`` when its links and styles are: without them it may pass. ``unreachable``: Telegram
    could not have the picture from its address; it may from us.
    """

    def __init__(
        self,
        message: str,
        *,
        media: bool = False,
        unreachable: bool = False,
        item: int | None = None,
        buttons: bool = False,
        entities: bool = False,
    ) -> None:
        self.media = media
        self.unreachable = unreachable
        self.entities = entities
        self.item = item
        self.buttons = buttons
        super().__init__(message)


class TokenRejected(DeliveryError):
    """401 or 404: Telegram does not know this token."""
