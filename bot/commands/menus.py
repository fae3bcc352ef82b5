"""The menus of commands and the bot's own description, as Telegram shows them. Beside ``updates.py``.

The fallback is set first, then each language we know: Telegram takes the closest scope, then the language. A chat that
chose another language than its person's Telegram gets a menu of its own.
"""

from collections.abc import Mapping

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from bot.labels import translator
from bot.model import Language
from bot.screens.replies import ADMIN_MENU

log = structlog.get_logger()

#: The menu (PRODUCT section 5), with its English words. What is not in it stands in /help.
MENU: Mapping[str, str] = {
    "latest": "Newest posts",
    "search": "Search every post",
    "feeds": "Sources to follow",
    "mine": "What you follow",
    "today": "On this day, past years",
    "archive": "Browse by month",
    "digest": "Daily or weekly roundup",
    "date": "Convert a date",
    "random": "A post at random",
    "settings": "Language, calendar, pictures",
    "help": "All commands",
    "stop": "Leave and delete my data",
}
#: What is of no use in a group.
_PRIVATE_ONLY = ("stop",)
SHORT_DESCRIPTION = "New posts with summaries and Jalali and Gregorian dates, search and archive. Persian and English."
DESCRIPTION = (
    "I bring you new posts from the sources you choose: each post once, with a summary and its date in two calendars."
)


def _entries(language: Language, *, in_groups: bool = False) -> list[BotCommand]:
    t = translator(language)
    return [BotCommand(name, t(words)) for name, words in MENU.items() if not (in_groups and name in _PRIVATE_ONLY)]


async def set_everywhere(bot: Bot, of_bot: Language) -> None:
    """Set menus and descriptions in every language; what fails is told to the log, and nothing else waits for it."""
    languages: tuple[tuple[Language, str], ...] = ((of_bot, ""), ("fa", "fa"), ("en", "en"))
    scopes: tuple[BotCommandScope, ...] = (BotCommandScopeDefault(), BotCommandScopeAllGroupChats())
    for language, code in languages:
        t = translator(language)
        try:
            for scope in scopes:
                in_groups = isinstance(scope, BotCommandScopeAllGroupChats)
                await bot.set_my_commands(_entries(language, in_groups=in_groups), scope=scope, language_code=code)
            await bot.set_my_short_description(t(SHORT_DESCRIPTION), language_code=code)
            await bot.set_my_description(t(DESCRIPTION), language_code=code)
        except TelegramError as error:
            log.warning("menu not set", language=language, problem=error.message)
            return


async def set_for_chat(bot: Bot, chat_id: int, language: Language) -> None:
    """Let the menu of one chat speak the language it chose."""
    in_groups = chat_id < 0
    try:
        await bot.set_my_commands(_entries(language, in_groups=in_groups), scope=BotCommandScopeChat(chat_id))
    except TelegramError as error:
        log.warning("menu not set", chat_id=chat_id, problem=error.message)


async def set_for_admin(bot: Bot, chat_id: int, language: Language) -> None:
    """Let an admin's chat have the commands of admins, and everybody's below them: its menu hides the common one."""
    t = translator(language)
    commands = [BotCommand(name, t(words)) for name, words in ADMIN_MENU.items()]
    try:
        await bot.set_my_commands([*commands, *_entries(language)], scope=BotCommandScopeChat(chat_id))
    except TelegramError as error:  # an admin who never wrote to the bot has no chat with it
        log.info("admin menu not set", chat_id=chat_id, problem=error.message)


async def forget_chat(bot: Bot, chat_id: int) -> None:
    """Give a chat the common menu again."""
    try:
        await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id))
    except TelegramError as error:
        log.warning("menu not deleted", chat_id=chat_id, problem=error.message)
