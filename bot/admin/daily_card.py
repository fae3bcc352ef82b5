"""The card in the admin chat: what needs a person, in one message that changes as things are settled (PRODUCT 6).

What is urgent is told at once, the rest with the day's card. The same thing brings a card at most once a day, and none
after somebody said that they know, until it is settled and comes back. ``screens/concerns.py`` finds the words; rights
are looked at when a button is pressed.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import structlog
from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import TelegramError

from bot import render
from bot.admin.approvals import Office
from bot.answers import Answers
from bot.clock import Clock
from bot.errors import DeliveryError
from bot.labels import translator
from bot.model import Language
from bot.screens import concerns, replies
from bot.screens.concerns import Concern, Do, Facts
from bot.storage import feeds, lanes, pauses, watchlist
from bot.storage.database import Database
from bot.storage.pauses import Kind, Pause
from bot.storage.watchlist import Card, Double, Told
from bot.web.words import Speech, speech_for

log = structlog.get_logger()

PREFIX = "card"
#: The same thing is not told again before this.
SILENCE = timedelta(hours=24)
#: When the day's card comes, on the bot's own clock.
HOUR = time(9)
#: Chats whose names Telegram is asked for.
_NAMED = 1
_PRESS = re.compile(rf"{PREFIX} ([A-Za-z0-9_-]{{16}}) ([0-9]{{1,2}})")


# --- policy: pure --------------------------------------------------------------------------------------------


def fresh(present: Sequence[Concern], told: Mapping[str, Told], now: datetime) -> list[Concern]:
    """What nobody was told of within a day, and nobody said that they know."""
    found = []
    for concern in present:
        before = told.get(concern.key, Told())
        if before.seen_at is None and (before.told_at is None or now - before.told_at >= SILENCE):
            found.append(concern)
    return found


def is_due(news: Sequence[Concern], looked_on: date | None, now_there: datetime) -> bool:
    """Whether a new card is sent: for what is urgent at once, else once a day at its hour."""
    if any(concern.is_urgent for concern in news):
        return True
    return bool(news) and now_there.time() >= HOUR and looked_on != now_there.date()


# --- the card ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a card says now."""

    text: str
    concerns: Sequence[tuple[int, Concern]]  #: by their number among the keys of the card

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(self.text.encode(), digest_size=16).digest()


class DailyCard:
    """Tends the card of one bot. *office* says where, and *facts* what is so now."""

    def __init__(
        self,
        bot: Bot,
        answers: Answers,
        database: Database,
        clock: Clock,
        *,
        office: Callable[[], Awaitable[Office]],
        facts: Callable[[], Awaitable[Facts]],
    ) -> None:
        self._bot, self._answers, self._database, self._clock = bot, answers, database, clock
        self._office, self._facts = office, facts
        self._bot_id = int(bot.token.partition(":")[0])
        self._looked_on: date | None = None
        self._names: dict[int, str] = {}
        self._tending = asyncio.Lock()  # one card, whoever asks for it

    async def tend(self) -> None:
        """Send a card where one is due; else let the one that is out say what is so now."""
        async with self._tending:
            await self._tend()

    async def _tend(self) -> None:
        office, now = await self._office(), self._clock.now()
        if office.chat_id is None:
            return
        speech = speech_for(office.reader.language, office.reader.zone, now)
        present = concerns.concerns(await self._named(await self._facts()), speech)
        keys = [concern.key for concern in present]
        await self._database.write(watchlist.forget_settled, self._bot_id, keys, now - SILENCE)
        told = await self._database.read(watchlist.told, self._bot_id)
        news, there = fresh(present, told, now), now.astimezone(office.reader.zone)
        due = is_due(news, self._looked_on, there)
        if there.time() >= HOUR:
            self._looked_on = there.date()
        open_ones = [concern for concern in present if told.get(concern.key, Told()).seen_at is None]
        card = await self._database.read(watchlist.card, self._bot_id)
        try:
            if due:
                await self._send(office.chat_id, open_ones[: concerns.MOST], card, speech)
            elif card is not None:
                await self._change(card, open_ones, speech)
        except DeliveryError as error:
            log.warning("card not shown", problem=str(error))

    async def _named(self, facts: Facts) -> Facts:
        """People are called by their names where Telegram knows them."""
        named: list[Double] = []
        for number, double in enumerate(facts.doubles):
            is_person = number < _NAMED and double.chat_id is not None and double.chat_id > 0
            name = await self._name_of(double.chat_id) if is_person and double.chat_id else None
            named.append(replace(double, chat=name or facts.titles.get(double.chat, double.chat)))
        return replace(facts, doubles=named)

    async def _name_of(self, chat_id: int) -> str | None:
        if chat_id not in self._names:
            try:
                chat = await self._bot.get_chat(chat_id)
            except TelegramError as error:
                log.info("name not known", chat_id=chat_id, problem=error.message)
                return None
            self._names = {chat_id: chat.first_name or chat.title or str(chat_id)}
        return self._names[chat_id]

    # --- messages --------------------------------------------------------------------------------------------

    async def _send(self, chat_id: int, shown: Sequence[Concern], old: Card | None, speech: Speech) -> None:
        """A new card takes the place of the old one: there is one, and it is the newest message of ours."""
        now = speech.now
        card = Card(chat_id, 0, secrets.token_urlsafe(12), now, tuple(each.key for each in shown), b"")
        said = _said(card, shown, speech)
        message = render.lay_out(said.text, speech.language)
        message_id = await self._answers.send(chat_id, message, _buttons(card, said, speech))
        kept = replace(card, message_id=message_id, shown=said.digest)
        await self._database.write(watchlist.keep_card, self._bot_id, kept)
        await self._database.write(watchlist.mark_told, self._bot_id, card.keys, now)
        log.info("card sent", concerns=card.keys)
        if old is not None:
            await self._remove(old)

    async def _remove(self, old: Card) -> None:
        try:
            await self._bot.delete_message(old.chat_id, old.message_id)
        except TelegramError as error:  # too old, or somebody did
            log.info("old card not deleted", problem=error.message)

    async def _change(self, card: Card, present: Sequence[Concern], speech: Speech) -> None:
        said = _said(card, present, speech)
        if said.digest == card.shown:
            return
        if not said.concerns:
            await self._database.write(watchlist.forget_card, self._bot_id)
            settled = render.lay_out(concerns.cleared(speech.language), speech.language)
            await self._answers.edit(card.chat_id, card.message_id, settled, None)
            return
        message = render.lay_out(said.text, speech.language)
        await self._database.write(watchlist.keep_card, self._bot_id, replace(card, shown=said.digest))
        await self._answers.edit(card.chat_id, card.message_id, message, _buttons(card, said, speech))

    # --- buttons ---------------------------------------------------------------------------------------------

    async def press(self, query: CallbackQuery, chat_id: int, message_id: int, language: Language) -> None:
        """Do what a button of the card says, if it is the card's and whoever pressed it may."""
        office = await self._office()
        if query.from_user.id not in office.admins:
            await query.answer(replies.not_allowed(language), show_alert=True)
            return
        found = _PRESS.fullmatch(query.data or "")
        card = await self._database.read(watchlist.card, self._bot_id)
        is_its = (
            found is not None
            and card is not None
            and secrets.compare_digest(found[1], card.token)
            and (chat_id, message_id) == (card.chat_id, card.message_id)
        )
        if found is None or card is None or not is_its:
            await query.answer(translator(language)("This card is an old one."), show_alert=True)
            return
        key = watchlist.concerned(card.keys, int(found[2]))
        speech = speech_for(office.reader.language, office.reader.zone, self._clock.now())
        present = {concern.key: concern for concern in concerns.concerns(await self._facts(), speech)}
        concern = present.get(key or "")
        if concern is not None:
            log.info("concern answered", key=key, do=str(concern.do), user_id=query.from_user.id)
            await query.answer(await self._do(concern, language))
        else:
            await query.answer(translator(language)("That is settled already."))
        if concern is None or concern.do is not Do.CHECK:  # how a check ends is seen in a moment
            await self.tend()

    async def _do(self, concern: Concern, language: Language) -> str:
        """Carry a button out; the words of its toast."""
        t, now, write = translator(language), self._clock.now(), self._database.write
        match concern.do:
            case Do.SEEN:
                await write(watchlist.mark_seen, self._bot_id, concern.key, now)
                return t("All right.")
            case Do.PAUSE:
                await write(pauses.begin, self._bot_id, Pause(Kind.FEED, concern.name, now), now)
                return t("It rests until you say /resume.")
        # Where it comes back at once, that is news.
        await write(watchlist.forget_told, self._bot_id, concern.key)
        if concern.key.startswith("rights:"):
            await write(lanes.resume_channel, self._bot_id, concern.name, now)
            return t("I am trying to post again.")
        await write(feeds.ask_now, concern.name, now)
        return t("I am reading it again.")


def _said(card: Card, present: Sequence[Concern], speech: Speech) -> _Shown:
    numbers = {key: number for number, key in enumerate(card.keys)}
    left = [(numbers[concern.key], concern) for concern in present if concern.key in numbers]
    text = concerns.card([concern for _number, concern in left], card.sent_at, speech) if left else ""
    return _Shown(text, left)


def _buttons(card: Card, said: _Shown, speech: Speech) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(
                    concerns.label(concern.do, place, speech), callback_data=f"{PREFIX} {card.token} {number}"
                )
            ]
            for place, (number, concern) in enumerate(said.concerns, 1)
        ]
    )
