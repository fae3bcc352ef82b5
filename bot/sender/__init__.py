"""(6) Hand a message to the Bot API, or to the local preview; turn every error of python-telegram-bot into ours.

``sending.py`` sends; ``probing.py`` looks at what is there; ``transport.py`` is the connection under it;
``refusals.py`` says what to do about an error.
"""

from bot.sender.probing import Match, Seen, TelegramProbe
from bot.sender.refusals import HANDLED, explain
from bot.sender.sending import (
    ChatReport,
    LocalPreview,
    TelegramSender,
    keyboard,
    link_preview_options,
    message_entities,
    username_of,
)
from bot.sender.transport import TELEGRAM, AiohttpRequest, NotSent, open_bot, shut_down

__all__ = [
    "HANDLED",
    "TELEGRAM",
    "AiohttpRequest",
    "ChatReport",
    "LocalPreview",
    "Match",
    "NotSent",
    "Seen",
    "TelegramProbe",
    "TelegramSender",
    "explain",
    "keyboard",
    "link_preview_options",
    "message_entities",
    "open_bot",
    "shut_down",
    "username_of",
]
