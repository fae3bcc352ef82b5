"""What a person or group follows and chose: answers commands and buttons with screens. Beside ``browsing.py``.

Between ``updates.py``, which talks to Telegram and has asked for the right before anything here is changed, and the
store. Keeps nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot import links
from bot.clock import Clock
from bot.links import Link
from bot.model import ChatOptions, Every, Language
from bot.outbox import digest
from bot.personal import House, plan_of
from bot.screens import follow_screens, settings_screens
from bot.screens.follow_screens import Item, Source, Who
from bot.screens.leafing import Reader, Screen
from bot.storage import own_digests, people, subscribers
from bot.storage.database import Database
from bot.storage.subscribers import MOST_OF_A_CHAT, Outcome, Place
from bot.text import persian, zones
from bot.text.spans import parse_span


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom an answer is for: a place, its language, and whether it is one person's own."""

    place: Place
    language: Language
    is_private: bool = True

    @property
    def who(self) -> Who:
        """How the place is spoken to."""
        return "you" if self.is_private else "chat"


def is_change(action: str) -> bool:
    """Whether a button changes something, so that not everybody in a group may press it."""
    return action[:1].isupper()


class Following:
    """Answers with screens. ``house`` is replaced when feeds.yaml is read again."""

    def __init__(self, database: Database, clock: Clock, house: House) -> None:
        self._database, self._clock = database, clock
        self.house = house

    def reader(self, to: Listener, options: ChatOptions | None = None) -> Reader:
        """Whom a screen is for."""
        zone = (options and options.timezone) or self.house.timezone
        return Reader(to.language, ZoneInfo(zone))

    # --- buttons ---------------------------------------------------------------------------------------------

    async def press(self, action: str, to: Listener) -> Screen | None:
        """The screen that a button asks for; None where there is none any more."""
        name, *parts = action.split(".", 2)
        numbers = [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 19]
        match name, numbers:
            case "f", [page]:
                return await self.sources(to, page)
            case "m", [page]:
                return await self.mine(to, page)
            case "i", [item_id]:
                return await self._item(item_id, to)
            case "E", [item_id]:
                return await self._leave(item_id, to)
            case (("U" | "W"), [feed_id]):
                return await (self._unfollow(feed_id, to) if name == "U" else self._follow(feed_id, to))
            case "d", []:
                return await self.digest(to)
            case "x", []:
                return follow_screens.not_stopped(self.reader(to))
            case "o", []:
                return await self.settings(to)
            case "oz", []:
                options = await self._options(to.place)
                return settings_screens.choose_zone(self.reader(to), options.timezone or self.house.timezone)
        if name == "D" and parts and parts[0] in ("off", *Every):
            return await self._choose_digest(parts[0], to)
        if name == "T" and len(parts) == 2:
            return await self._toggle(parts[0], parts[1], to)
        if name == "M" and len(parts) == 2 and len(numbers) == 2:
            return await self._mute_item(numbers[0], numbers[1], to)
        if name == "O" and len(parts) == 2:
            return await self._choose(parts[0], parts[1], to)
        return None

    # --- sources ---------------------------------------------------------------------------------------------

    async def sources(self, to: Listener, page: int = 0) -> Screen:
        """A page of the feeds of feeds.yaml."""
        ids = list(self.house.feeds)
        page = min(page, max(len(ids) - 1, 0) // follow_screens.PAGE)
        shown = ids[page * follow_screens.PAGE :][: follow_screens.PAGE]
        titles = await self._titles(shown)
        following = {each.feed_id for each in await self._database.read(subscribers.followed, to.place)}
        listed = [Source(feed_id, titles[feed_id], feed_id in following) for feed_id in shown]
        return follow_screens.sources(page, listed, len(ids), self.reader(to))

    async def _titles(self, feed_ids: Sequence[int]) -> dict[int, str]:
        own = await self._database.read(subscribers.titles, feed_ids)
        feeds = self.house.feeds
        return {each: feeds[each].title or own.get(each) or feeds[each].name for each in feed_ids if each in feeds}

    async def _title(self, feed_id: int) -> str | None:
        return (await self._titles([feed_id])).get(feed_id)

    async def find(self, words: str) -> int | None:
        """The feed that somebody means: its name, its address, or its title; the beginning of one title will do."""
        feeds = self.house.feeds
        exact = [each for each, feed in feeds.items() if words in (feed.name, feed.url)]
        if exact:
            return exact[0]
        wanted = persian.key_fold(words)
        titles = {each: persian.key_fold(title) for each, title in (await self._titles(list(feeds))).items()}
        titles |= {each: titles[each] or persian.key_fold(feed.name) for each, feed in feeds.items()}
        same = [
            each for each, title in titles.items() if title == wanted or persian.key_fold(feeds[each].name) == wanted
        ]
        near = [each for each, title in titles.items() if wanted and title.startswith(wanted)]
        return same[0] if same else near[0] if len(near) == 1 else None

    async def direct(self, words: str, there: Listener, chat: str, *, follow: bool) -> Screen:
        """``/subscribe feed @chat`` and its opposite, for the eyes of the one who asked."""
        reader, feed_id = self.reader(there), await self.find(words)
        if feed_id is None:
            return follow_screens.unknown_source(words, reader)
        if not follow:
            await self._database.write(subscribers.unfollow, there.place, feed_id=feed_id)
        elif await self._begin(feed_id, there) is Outcome.TOO_MANY:
            return follow_screens.too_many(MOST_OF_A_CHAT, reader)
        return follow_screens.elsewhere(await self._title(feed_id) or words, chat, reader, is_followed=follow)

    def ask_source(self, to: Listener, command: str, chat: str) -> Screen:
        """``/subscribe @chat``: what?"""
        return follow_screens.ask_source(command, chat, self.reader(to))

    async def _toggle(self, page: str, choice: str, to: Listener) -> Screen | None:
        feed_id, _, wanted = choice.partition(".")
        if not (page.isdecimal() and len(page) < 5 and feed_id.isdecimal() and wanted in ("0", "1")):
            return None
        if wanted == "1":
            if int(feed_id) not in self.house.feeds:
                return None
            outcome = await self._begin(int(feed_id), to)
            if outcome is Outcome.TOO_MANY:
                return follow_screens.too_many(MOST_OF_A_CHAT, self.reader(to))
        else:
            await self._database.write(subscribers.unfollow, to.place, feed_id=int(feed_id))
        return await self.sources(to, int(page))

    # --- following -------------------------------------------------------------------------------------------

    async def subscribe(self, words: str, to: Listener) -> Screen:
        """``/subscribe [feed]``."""
        if not words:
            return await self.sources(to)
        feed_id = await self.find(words)
        if feed_id is None:
            return follow_screens.unknown_source(words, self.reader(to))
        return await self._follow(feed_id, to) or follow_screens.unknown_source(words, self.reader(to))

    async def unsubscribe(self, words: str, to: Listener) -> Screen:
        """``/unsubscribe [feed]``; a hashtag too."""
        if not words:
            return await self.mine(to)
        if tag := self._tag(words):
            ended = await self._database.write(subscribers.unfollow, to.place, tag=persian.key_fold(tag))
            return follow_screens.left(tag, None, self.reader(to), to.who, was_followed=ended)
        feed_id = await self.find(words)
        if feed_id is None:
            return follow_screens.unknown_source(words, self.reader(to))
        return await self._unfollow(feed_id, to)

    async def _begin(self, feed_id: int, to: Listener) -> Outcome:
        outcome = await self._database.write(subscribers.follow_feed, to.place, feed_id, self._clock.now())
        if outcome is Outcome.NEW:
            await self._keep_language(to)
        return outcome

    async def _keep_language(self, to: Listener) -> None:
        """Posts come in the language in which the chat was spoken to when it began to follow."""
        options = await self._options(to.place)
        if options.language is None:
            chosen = replace(options, language=to.language)
            await self._keep(to.place, chosen)

    async def _follow(self, feed_id: int, to: Listener) -> Screen | None:
        title = await self._title(feed_id)
        if title is None:
            return None
        outcome = await self._begin(feed_id, to)
        if outcome is Outcome.TOO_MANY:
            return follow_screens.too_many(MOST_OF_A_CHAT, self.reader(to))
        return await self._followed(title, feed_id, to, outcome)

    async def _followed(self, title: str, feed_id: int | None, to: Listener, outcome: Outcome) -> Screen:
        is_ours = feed_id is None or feed_id in self.house.feeds
        digest = (await self._options(to.place)).digest
        return follow_screens.followed(
            title, feed_id, self.reader(to), to.who, is_new=outcome is Outcome.NEW, is_ours=is_ours, digest=digest
        )

    async def follow_open(self, feed_id: int, title: str, to: Listener) -> Screen:
        """Follow a feed that came by its address."""
        outcome = await self._begin(feed_id, to)
        if outcome is Outcome.TOO_MANY:
            return follow_screens.too_many(MOST_OF_A_CHAT, self.reader(to))
        return await self._followed(title, feed_id, to, outcome)

    def is_known(self, url: str) -> bool:
        """Whether an address is that of a feed of feeds.yaml."""
        return any(feed.url == url for feed in self.house.feeds.values())

    async def _unfollow(self, feed_id: int, to: Listener) -> Screen:
        ended = await self._database.write(subscribers.unfollow, to.place, feed_id=feed_id)
        title = await self._title(feed_id)
        if title is None:
            return await self.mine(to)
        return follow_screens.left(title, feed_id, self.reader(to), to.who, was_followed=ended)

    @staticmethod
    def _tag(words: str) -> str | None:
        return persian.hashtag(words[1:]) if words.startswith(("#", "\uff03")) else None

    async def follow_tag(self, words: str, to: Listener) -> Screen:
        """``/follow #tag``, or a hashtag alone."""
        tag = self._tag(words) or persian.hashtag(words)
        if tag is None:
            return follow_screens.ask_tag(self.reader(to))
        folded = persian.key_fold(tag)
        outcome = await self._database.write(subscribers.follow_tag, to.place, tag, folded, self._clock.now())
        if outcome is Outcome.TOO_MANY:
            return follow_screens.too_many(MOST_OF_A_CHAT, self.reader(to))
        await self._keep_language(to)
        return await self._followed(tag, None, to, outcome)

    async def open_link(self, payload: str, to: Listener) -> Screen | Link | None:
        """What a deep link asks for: a screen; or the link, where it is for somebody else to show."""
        link = links.read(payload)
        if link is None or link.post_id is not None or link.more_of is not None:
            return link
        if link.tag is not None:
            return await self.follow_tag("#" + link.tag, to)
        return await self._follow(link.feed_id or 0, to)

    async def offer(self, url: str, to: Listener) -> Screen:
        """Somebody sent an address: is it one of ours?"""
        feed_id = next((each for each, feed in self.house.feeds.items() if feed.url == url), None)
        title = await self._title(feed_id) if feed_id is not None else None
        if feed_id is None or title is None:
            return follow_screens.unknown_address(self.reader(to))
        return follow_screens.offer(title, feed_id, self.reader(to))

    # --- what is followed ------------------------------------------------------------------------------------

    async def _items(self, to: Listener) -> list[Item]:
        followed = await self._database.read(subscribers.followed, to.place)
        titles = await self._titles([each.feed_id for each in followed if each.feed_id is not None])
        return [
            Item(
                each.id,
                each.tag or titles.get(each.feed_id or 0) or each.title,
                each.feed_id,
                each.muted_until,
                each.feed_id in self.house.feeds,
            )
            for each in followed
        ]

    async def mine(self, to: Listener, page: int = 0) -> Screen:
        """``/mine``."""
        items = await self._items(to)
        page = min(page, max(len(items) - 1, 0) // follow_screens.PAGE)
        shown = items[page * follow_screens.PAGE :][: follow_screens.PAGE]
        return follow_screens.mine(page, shown, len(items), self._clock.now(), self.reader(to), to.who)

    async def _item_of(self, item_id: int, to: Listener) -> Item | None:
        """Only this place's own: numbers may be guessed."""
        return next((each for each in await self._items(to) if each.id == item_id), None)

    async def _item(self, item_id: int, to: Listener) -> Screen:
        shown = await self._item_of(item_id, to)
        return follow_screens.item(shown, self._clock.now(), self.reader(to)) if shown else await self.mine(to)

    async def _leave(self, item_id: int, to: Listener) -> Screen:
        shown = await self._item_of(item_id, to)
        if shown is not None:
            tag = persian.key_fold(shown.title) if shown.feed_id is None else None
            await self._database.write(subscribers.unfollow, to.place, feed_id=shown.feed_id, tag=tag)
        return await self.mine(to)

    # --- muting ----------------------------------------------------------------------------------------------

    async def mute(self, words: str, to: Listener) -> Screen:
        """``/mute [feed] [duration]``; without one it asks."""
        items, now, reader = await self._items(to), self._clock.now(), self.reader(to)
        if not words:
            return follow_screens.ask_mute(items, now, reader)
        name, span = _named_span(words)
        feed_id = await self.find(name)
        shown = next((each for each in items if feed_id is not None and each.feed_id == feed_id), None)
        if (
            feed_id is None and span is not None and (feed_id := await self.find(words))
        ):  # a title that ends like a span
            shown, span = next((each for each in items if each.feed_id == feed_id), None), None
        if shown is None and feed_id is not None:
            return follow_screens.left(await self._title(feed_id) or name, feed_id, reader, to.who, was_followed=False)
        if shown is None:
            return follow_screens.unknown_source(words, reader)
        if span is None:
            return follow_screens.item(shown, now, reader)
        return await self._mute(shown, now + span, to)

    async def _mute_item(self, item_id: int, days: int, to: Listener) -> Screen | None:
        shown = await self._item_of(item_id, to)
        if shown is None or days not in (0, *follow_screens.MUTES):
            return None
        return await self._mute(shown, self._clock.now() + timedelta(days=days) if days else None, to)

    async def _mute(self, shown: Item, until: datetime | None, to: Listener) -> Screen:
        await self._database.write(subscribers.mute, to.place, shown.feed_id or 0, until)
        return follow_screens.muted(shown, until, self.reader(to, await self._options(to.place)))

    # --- digests ---------------------------------------------------------------------------------------------

    async def digest(self, to: Listener, words: str = "") -> Screen:
        """``/digest [off|day|week]``; alone it asks."""
        if not words:
            options = await self._options(to.place)
            return settings_screens.digests(options.digest, self.reader(to))
        wanted = settings_screens.digest_named(words)
        return await self._choose_digest(wanted, to) if wanted else await self.digest(to)

    async def _choose_digest(self, wanted: str, to: Listener) -> Screen:
        options = await self._options(to.place)
        chosen = replace(options, digest=None if wanted == "off" else Every(wanted), language=to.language)
        await self._keep(to.place, chosen)
        plan, zone = plan_of(chosen), ZoneInfo(chosen.timezone or self.house.timezone)
        at = digest.next_slot(plan, zone, self._clock.now()) if plan else None
        return settings_screens.digest_chosen(chosen.digest, at, self.reader(to, chosen))

    async def _keep(self, place: Place, chosen: ChatOptions) -> None:
        """Keep what a chat chose, and when its digest comes then."""
        now, plan = self._clock.now(), plan_of(chosen)
        at = digest.next_slot(plan, ZoneInfo(chosen.timezone or self.house.timezone), now) if plan else None
        await self._database.write(people.choose, place.bot_id, place.chat_id, chosen)
        await self._database.write(own_digests.plan_next, place.bot_id, place.chat_id, at)
        await self._database.write(own_digests.reconsider, place.bot_id, place.chat_id, now)

    # --- settings, leaving -----------------------------------------------------------------------------------

    async def _options(self, place: Place) -> ChatOptions:
        return await self._database.read(people.options, place.bot_id, place.chat_id)

    async def settings(self, to: Listener, words: str = "") -> Screen:
        """``/settings``, and ``/settings Area/City``."""
        options = await self._options(to.place)
        if words:
            zone = zones.zone_named(words)
            if zone is None:
                return settings_screens.unknown_zone(words, self.reader(to))
            options = replace(options, timezone=zone)
            await self._keep(to.place, options)
        return settings_screens.settings(options, self.reader(to), options.timezone or self.house.timezone)

    async def _choose(self, key: str, value: str, to: Listener) -> Screen | None:
        chosen = settings_screens.changed(await self._options(to.place), key, value)
        if chosen is None:
            return None
        await self._keep(to.place, chosen)
        spoken = replace(to, language=chosen.language or to.language)
        return settings_screens.settings(chosen, self.reader(spoken), chosen.timezone or self.house.timezone)

    async def stop(self, to: Listener) -> Screen:
        """Delete everything that is kept about a chat, once it was asked."""
        await self._database.write(subscribers.forget, to.place.bot_id, to.place.chat_id)
        if to.is_private:
            await self._database.write(people.remove_admin, to.place.chat_id)
        return follow_screens.stopped(self.reader(to))


def _named_span(words: str) -> tuple[str, timedelta | None]:
    """A name, and the stretch of time behind it: one word or two."""
    parts = words.split()
    for size in (2, 1):
        if len(parts) > size and (span := parse_span(" ".join(parts[-size:]))):
            return " ".join(parts[:-size]), span
    return words, None
