"""What Telegram refuses, and what to do next: every error of python-telegram-bot becomes one of ours. Pure.

The 400s and 403s can be told apart by their text alone; ``HANDLED`` names every class of the library.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    PassportDecryptionError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.error import ChatMigrated as TelegramChatMigrated

from bot import metrics
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryError,
    MessageRejected,
    RetryLater,
    RightsMissing,
    TokenRejected,
    Uncertain,
)
from bot.sender.transport import NotSent

#: What a channel's administrator must be allowed for us to post there, in Telegram's words.
POST_RIGHT = "Post messages"

#: What the Bot API's 400 and 403 mean, by their text. It is the only thing to go by: the code is the same for all, and
#: python-telegram-bot lower-cases it. Sources: telegram-bot-api/Client.cpp, fail_query_with_error.
_RIGHTS = re.compile(
    r"need administrator rights|not enough rights|have no write access|chat_write_forbidden|chat_admin_required|"
    r"chat_send_\w+_forbidden|chat_restricted|user_banned_in_channel|message thread not found|topic_closed|"
    r"topic_deleted"
)
_OUTSIDE = re.compile(r"chat not found|bot was kicked|bot is not a member|the group chat was deleted|peer_id_invalid")
_GONE = re.compile(
    r"bot was blocked by the user|user is deactivated|can't initiate conversation|can't send messages to (the )?bot|"
    r"chat_id is empty"
)
_ALBUM_FLOOD = re.compile(r"too many requests: retry after (\d+)")
_ALBUM_ITEM = re.compile(r"failed to send message #(\d+)")
_MEDIA = re.compile(
    r"failed to get http url content|webpage_curl_failed|wrong type of the web page content|webpage_media_empty|"
    r"wrong file identifier|media_empty|media_invalid|wrong http url|invalid file http url|wrong remote file|"
    r"image_process_failed|photo_invalid|photo_save_file_invalid|photo_ext_invalid|photo has unsupported extension|"
    r"external_url_invalid|webpage_url_invalid|can't upload file by url|can't use file of type|type of file mismatch|"
    r"file is too big|group send failed|caption is too long|media_caption_too_long|"
    # A group may allow words and not pictures.
    r"not enough rights to send (?!text messages)\w[\w ]* to the chat|chat_send_(?!plain)\w+_forbidden"
)
_UNREACHABLE = re.compile(
    r"failed to get http url content|webpage_curl_failed|wrong type of the web page content|webpage_media_empty|"
    r"wrong file identifier|\bmedia_empty|wrong http url|external_url_invalid|can't upload file by url|file is too big"
)
_ENTITIES = re.compile(r"can't parse entities|entity_\w+_invalid|entities_too_long|entity_bounds_invalid")
_BUTTONS = re.compile(r"inline keyboard|reply markup|button_\w+_invalid")


def explain(error: TelegramError, chat: int | str, *, is_album: bool = False) -> DeliveryError:
    """Say what to do next about an error of python-telegram-bot, and count it."""
    explained = _explained(error, chat, is_album=is_album)
    metrics.API_ERRORS.labels(type(explained).__name__).inc()
    return explained


def _explained(error: TelegramError, chat: int | str, *, is_album: bool) -> DeliveryError:
    """Every class of error is named in ``HANDLED``."""
    if is_album and isinstance(error, BadRequest) and _ALBUM_FLOOD.search(error.message.lower()):
        # The server sends an album item by item, and some may be out (telegram-bot-api, Client.cpp).
        return Uncertain(f"chat {chat}: {error.message}")
    for foreign, explained in HANDLED.items():
        if isinstance(error, foreign):
            return explained(error, chat)
    # "Invalid server response" and the like: an answer came, and it may have been a yes.
    return Uncertain(f"chat {chat}: {error.message}")


def _migrated(error: Any, chat: int | str) -> DeliveryError:
    return ChatMigrated(f"chat {chat} is now {error.new_chat_id}", new_chat_id=error.new_chat_id)


def _retry_after(error: Any, chat: int | str) -> DeliveryError:
    span: timedelta = error.retry_after  # a timedelta because of PTB_TIMEDELTA, see open_bot
    return RetryLater(f"chat {chat}: Telegram asks to wait {span.total_seconds():.0f} s", after=span)


def _forbidden(error: TelegramError, chat: int | str) -> DeliveryError:
    said = error.message.lower()
    if _GONE.search(said) and not _is_group(chat):
        return ChatGone(f"chat {chat}: {error.message}")
    return RightsMissing(
        f"chat {chat}: {error.message}; make the bot an administrator there with the right {POST_RIGHT}"
    )


def _bad_request(error: TelegramError, chat: int | str) -> DeliveryError:
    said = error.message.lower()
    if flood := _ALBUM_FLOOD.search(said):
        return RetryLater(f"chat {chat}: {error.message}", after=timedelta(seconds=int(flood[1])))
    if _ENTITIES.search(said):  # of ours, and so our mistake: the words go out all the same
        return MessageRejected(f"chat {chat}: {error.message}", entities=True)
    if _BUTTONS.search(said):
        return MessageRejected(f"chat {chat}: {error.message}", buttons=True)
    if _MEDIA.search(said):
        item = _ALBUM_ITEM.search(said)
        return MessageRejected(
            f"chat {chat}: {error.message}",
            media=True,
            unreachable=bool(_UNREACHABLE.search(said)),
            item=int(item[1]) if item else None,
        )
    if _RIGHTS.search(said) or (_OUTSIDE.search(said) and _is_group(chat)):
        return RightsMissing(
            f"chat {chat}: {error.message}; check its name, and make the bot an administrator there with the right "
            f"{POST_RIGHT}"
        )
    if _OUTSIDE.search(said) or _GONE.search(said):
        return ChatGone(f"chat {chat}: {error.message}")
    return MessageRejected(f"chat {chat}: {error.message}")


def _is_group(chat: int | str) -> bool:
    """Groups and channels have negative ids; only they have public names that we are given."""
    return chat.startswith(("@", "-")) if isinstance(chat, str) else chat < 0


def _bad_token(_error: TelegramError, _chat: int | str) -> DeliveryError:
    return TokenRejected("TELEGRAM_BOT_TOKEN: Telegram does not know this token; copy it anew from @BotFather")


def _conflict(error: TelegramError, _chat: int | str) -> DeliveryError:
    return RetryLater(f"{error.message}; stop the other program that uses this token")


def _not_sent(error: TelegramError, _chat: int | str) -> DeliveryError:
    return RetryLater(error.message)


def _uncertain(error: TelegramError, chat: int | str) -> DeliveryError:
    if "misdirected request" in error.message.lower():  # 421: a Bot API server of one's own, which serves other bots
        return _bad_token(error, chat)
    return Uncertain(f"chat {chat}: {error.message}")


#: In order: BadRequest and TimedOut are NetworkErrors themselves.
HANDLED: dict[type[TelegramError], Callable[[Any, int | str], DeliveryError]] = {
    TelegramChatMigrated: _migrated,
    RetryAfter: _retry_after,
    Forbidden: _forbidden,
    EndPointNotFound: _bad_token,
    InvalidToken: _bad_token,
    Conflict: _conflict,
    BadRequest: _bad_request,
    NotSent: _not_sent,
    TimedOut: _uncertain,
    NetworkError: _uncertain,
    PassportDecryptionError: _uncertain,
}
