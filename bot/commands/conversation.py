"""What the bot answers to a command, a plain text or a pressed button: screens. Between ``updates.py`` and the rooms.

``updates.py`` speaks with Telegram; ``browsing.py`` and ``following.py`` know what there is. Here stands which command
is whose, and that nothing of a chat is changed before its caller's right was asked for: at the command, and at each
press again.
"""

import re
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bot.admin.adding import web_address
from bot.clock import Clock
from bot.commands.browsing import Browsing
from bot.commands.following import Following, Listener, is_change
from bot.commands.opening import Opening
from bot.commands.permissions import Answer
from bot.commands.rights import Caller, Refusal
from bot.labels import translator
from bot.links import Link
from bot.model import Language
from bot.screens import follow_screens, replies, settings_screens
from bot.screens.leafing import Button, Screen
from bot.storage import people, reports
from bot.storage.database import Database
from bot.storage.subscribers import Place

log = structlog.get_logger()

#: Commands that change what a chat gets: in a group its administrators' alone.
CHANGING = frozenset({"subscribe", "unsubscribe", "follow", "mute", "digest", "settings", "language", "stop"})
_TARGET = re.compile(r"@[A-Za-z]\w{3,31}|-\d{5,20}")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


class Permissions(Protocol):
    """Who may change which chat, now (``permissions.py``)."""

    async def here(self, caller: Caller) -> Answer:
        """Of the chat somebody speaks in."""

    async def elsewhere(self, caller: Caller, chat: str) -> Answer:
        """Of a chat that is named."""


class ChatMenus(Protocol):
    """The menu of commands of one chat (``menus.py``)."""

    async def speak(self, chat_id: int, language: Language) -> None:
        """Show it in a language."""

    async def forget(self, chat_id: int) -> None:
        """Show the common one again."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who wants something, in which place and language."""

    caller: Caller
    to: Listener

    @property
    def language(self) -> Language:
        """What the chat chose, or its person's."""
        return self.to.language


class Conversation:
    """Answers with screens."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        browsing: Browsing,
        following: Following,
        permissions: Permissions,
        menus: ChatMenus,
    ) -> None:
        self._database, self._clock = database, clock
        self._browsing, self.following = browsing, following
        self._permissions, self._menus = permissions, menus
        #: Where ``bot.open`` allows it: who looks at addresses that nobody here knows.
        self.opening: Opening | None = None
        #: Whether feeds.yaml names an admin: while nobody is one, the first screen shows the id to write there.
        self.configured_admins = False

    # --- commands --------------------------------------------------------------------------------------------

    async def command(self, name: str, argument: str, speaker: Speaker) -> Screen | None:
        """The answer to a command; None for one that does not exist."""
        to, language = speaker.to, speaker.language
        if name in CHANGING:
            return await self._change(name, argument, speaker)
        match name:
            case "start":
                return await self._start(argument, speaker)
            case "latest":
                return await self._latest(argument, to)
            case "search":
                return await self._browsing.search(argument, language)
            case "archive":
                return await self._browsing.archive(argument, language)
            case "today":
                return await self._browsing.on_this_day(language)
            case "random":
                return await self._browsing.draw(language)
            case "date":
                return Screen(replies.date_told(argument, self._clock.now(), language, self._browsing.zone))
            case "feeds":
                return await self.following.sources(to)
            case "mine":
                return await self.following.mine(to)
        return None

    def wants_look(self, name: str, argument: str, speaker: Speaker) -> str | None:
        """The address that somebody wants looked at: sent alone, or to /subscribe; None where that is not open."""
        if self.opening is None or name not in ("", "subscribe") or not _ADDRESS.fullmatch(argument):
            return None
        url = web_address(argument)
        is_theirs = speaker.caller.is_private  # in a group the address would be everybody's
        return url if is_theirs and url and not self.following.is_known(url) else None

    async def plain(self, text: str, speaker: Speaker) -> Screen:
        """Answer what is no command: dates convert, a hashtag is followed, an address finds its feed, words search."""
        if converted := replies.converted_date(text, speaker.language):
            return Screen(converted)
        if re.fullmatch(r"[#\uff03]\S+", text.strip()):
            return await self.following.follow_tag(text.strip(), speaker.to)
        if _ADDRESS.fullmatch(text.strip()):
            return await self.following.offer(text.strip(), speaker.to)
        return await self._browsing.search(text, speaker.language)

    async def _change(self, name: str, argument: str, speaker: Speaker) -> Screen:
        target = ""
        if name in ("subscribe", "unsubscribe"):
            words, _, last = argument.rpartition(" ")
            if _TARGET.fullmatch(last):
                argument, target = words.strip(), last
        caller = speaker.caller
        answer = await (self._permissions.elsewhere(caller, target) if target else self._permissions.here(caller))
        if answer.refusal is not None:
            return self._refused(answer.refusal, speaker)
        if target:
            return await self._change_elsewhere(name, argument, target, answer.chat_id, speaker)
        to = speaker.to
        match name:
            case "subscribe":
                return await self.following.subscribe(argument, to)
            case "unsubscribe":
                return await self.following.unsubscribe(argument, to)
            case "follow":
                return await self.following.follow_tag(argument, to)
            case "mute":
                return await self.following.mute(argument, to)
            case "digest":
                return await self.following.digest(to, argument)
            case "settings":
                return await self.following.settings(to, argument)
            case "language":
                return await self._language(argument, to)
        return await self._ask_stop(to)

    def _refused(self, refusal: Refusal, speaker: Speaker) -> Screen:
        return Screen(replies.plain(follow_screens.refused(speaker.language, refusal), speaker.language))

    async def _change_elsewhere(self, name: str, words: str, target: str, chat_id: int, speaker: Speaker) -> Screen:
        """The answer goes to the one who asked; the chat gets posts, no chatter."""
        if not words:
            return self.following.ask_source(speaker.to, name, target)
        there = replace(speaker.to, place=replace(speaker.to.place, chat_id=chat_id, thread=0), is_private=chat_id > 0)
        log.info("subscription asked for elsewhere", chat_id=chat_id, user_id=speaker.caller.user_id, command=name)
        return await self.following.direct(words, there, target, follow=name == "subscribe")

    async def _start(self, payload: str, speaker: Speaker) -> Screen:
        if payload:
            found = await self._open_link(payload, speaker)
            if found is not None:
                return found
        return await self.home(speaker)

    async def _open_link(self, payload: str, speaker: Speaker) -> Screen | None:
        """What a deep link means to this chat; None where it means nothing."""
        if not speaker.caller.is_private:
            answer = await self._permissions.here(speaker.caller)
            if answer.refusal is not None:
                return self._refused(answer.refusal, speaker)
        found = await self.following.open_link(payload, speaker.to)
        if not isinstance(found, Link):
            return found
        if found.more_of is not None:
            return await self._more_of(found.more_of, speaker.to)
        return await self._browsing.post(found.post_id or 0, speaker.language)

    async def _more_of(self, feed_id: int, to: Listener) -> Screen | None:
        """The newest posts of a feed that has a name; what only one person reads by its address is nobody else's."""
        feed = self.following.house.feeds.get(feed_id)
        return await self._browsing.latest(replies.LATEST, feed.name, to.language) if feed else None

    async def home(self, speaker: Speaker) -> Screen:
        """The first screen."""
        language, caller = speaker.language, speaker.caller
        has_admins = self.configured_admins or bool(await self._database.read(reports.admin_ids))
        shown_id = caller.user_id if caller.is_private and not has_admins else None
        t, other = translator(language), replies.OTHER_LANGUAGE[language]
        rows = (
            (Button(t("Sources"), "f.0"), Button(t("Newest"), "l")),
            (Button(t("Search"), "q"), Button(t("On this day"), "t")),
            (Button(t("Settings"), "o"), Button(replies.LANGUAGE_NAMES[other], f"G.{other}")),
        )
        return Screen(replies.welcome(language, user_id=shown_id), rows)

    async def _latest(self, argument: str, to: Listener) -> Screen:
        """``/latest [feed] [n]``, in either order, digits of any script."""
        words = argument.split()
        numbers = [int(word) for word in words if word.isdecimal()]  # also Persian and Arabic digits, which int() reads
        name = " ".join(word for word in words if not word.isdecimal())
        feed_id = await self.following.find(name) if name else None
        if name and feed_id is None:
            return follow_screens.unknown_source(name, self.following.reader(to))
        feed = self.following.house.feeds[feed_id].name if feed_id is not None else None
        count = min(max(numbers[-1], 1), replies.MOST) if numbers else replies.LATEST
        return await self._browsing.latest(count, feed, to.language)

    async def _language(self, argument: str, to: Listener) -> Screen:
        wanted = {"fa": "fa", "en": "en", "فارسی": "fa", "english": "en"}.get(argument.strip().casefold())
        if wanted is None:
            return settings_screens.languages(self.following.reader(to))
        return await self._speak("fa" if wanted == "fa" else "en", to)

    async def _speak(self, language: Language, to: Listener) -> Screen:
        """The language of a chat and its menu; the settings show it."""
        place = to.place
        await self._database.write(people.choose_language, place.bot_id, place.chat_id, language)
        await self._menus.speak(place.chat_id, language)
        return await self.following.settings(replace(to, language=language))

    async def _ask_stop(self, to: Listener) -> Screen:
        is_admin = to.is_private and to.place.chat_id in await self._database.read(reports.admin_ids)
        return follow_screens.ask_stop(self.following.reader(to), to.who, is_admin=is_admin)

    # --- buttons ---------------------------------------------------------------------------------------------

    async def press(self, action: str, shown: str, speaker: Speaker) -> Screen | str | None:
        """The screen that takes the place of the one pressed; or words for a toast; None for a button that is no more.

        *shown* is the text above the button.
        """
        caller, to, language = speaker.caller, speaker.to, speaker.language
        if is_change(action) and not caller.is_private:
            answer = await self._permissions.here(caller)
            if answer.refusal is not None:
                return follow_screens.refused(language, answer.refusal)
        match action.split("."):
            case ["h"]:
                return await self.home(speaker)
            case ["l"]:
                return _with_back(await self._latest("", to), language)
            case ["l", feed_id] if feed_id.isdecimal() and len(feed_id) < 19:
                newest = await self._more_of(int(feed_id), to)
                following = (Button(translator(language)("What you follow"), "m.0"),)
                return Screen(newest.message, (following,)) if newest else None
            case ["q"]:
                return _with_back(await self._browsing.search("", language), language)
            case ["t"]:
                return _with_back(await self._browsing.on_this_day(language), language)
            case ["G", "fa" | "en" as wanted]:
                chosen: Language = "fa" if wanted == "fa" else "en"
                settings = await self._speak(chosen, to)
                spoken = replace(speaker, to=replace(to, language=chosen))
                return await self.home(spoken) if caller.is_private else settings
            case ["O", "language", "fa" | "en" as wanted]:
                return await self._speak("fa" if wanted == "fa" else "en", to)
            case ["P" | "Q", *_choice]:
                return await self.opening.press(action, caller) if self.opening else None
            case ["X", "1"]:
                await self._menus.forget(to.place.chat_id)
                return await self.following.stop(to)
        return await self.following.press(action, to) or await self._browsing.press(action, shown, language)


def speaker_of(caller: Caller, bot_id: int, language: Language) -> Speaker:
    """Somebody in a place; the topics that a private chat may have are one place."""
    place = Place(bot_id, caller.chat_id, 0 if caller.is_private else caller.thread)
    return Speaker(caller, Listener(place, language, caller.is_private))


def _with_back(screen: Screen, language: Language) -> Screen:
    return replace(screen, buttons=(*screen.buttons, (Button(translator(language)("Back"), "h"),)))
