"""Ask admins about posts that wait for them, and carry out what they decide. Presses come by ``commands/updates.py``.

A post is shown in the admin chat exactly as it will appear, and under it a card with buttons. What the buttons carry is
a random name, which the store binds to that card; who presses is asked at every press. Who decided, and when, is kept.
Nothing is sent to a channel here: what was approved is pending, and the outbox sends what the admins saw.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from telegram import (
    Bot,
    CallbackQuery,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReplyParameters,
    User,
)
from telegram.constants import ReplyLimit
from telegram.error import BadRequest, TelegramError

from bot.clock import Clock
from bot.errors import DeliveryError, MessageRejected, RetryLater
from bot.model import Approval, Delivery, Language, Message, Subscription, Then
from bot.outbox import fallback
from bot.screens import approval_cards, replies
from bot.screens.approval_cards import Reader
from bot.sender import TelegramSender, explain, message_entities
from bot.storage import approvals
from bot.storage.approvals import Asked
from bot.storage.database import Database

log = structlog.get_logger()

PREFIX = "approve"
#: Posts shown in one go: admins read, and their chat has a pace too.
MOST_AT_ONCE = 5
#: How long a chat rests for each message of a question: one a second, 20 a minute for a group.
REST, GROUP_REST = timedelta(seconds=1), timedelta(seconds=3)
#: Longest title that an admin may give. Template and limits of Telegram leave room for more.
LONGEST_TITLE = 300
_PRESS = re.compile(rf"{PREFIX} ([A-Za-z0-9_-]{{16}}) (yes|no|title|when|back|hour|evening|morning)")


@dataclass(frozen=True, slots=True)
class Office:
    """Where admins are asked, and how they read; it changes with feeds.yaml."""

    chat_id: int | None
    reader: Reader
    routes: Mapping[int, Subscription]
    admins: frozenset[int]


class Approvals:
    """Talks to admins about posts. *office* says where and how at each time."""

    def __init__(
        self,
        bot: Bot,
        sender: TelegramSender,
        database: Database,
        clock: Clock,
        *,
        compose: Callable[[Delivery], Awaitable[Sequence[Message]]],
        office: Callable[[], Awaitable[Office]],
        pace: Callable[[int], AbstractAsyncContextManager[None]] = lambda _chat_id: nullcontext(),
    ) -> None:
        self._bot, self._sender, self._database, self._clock = bot, sender, database, clock
        self._compose, self._office, self._pace = compose, office, pace
        self._ask_again_at = clock.now()  # the admins' chat has rested by then

    # --- by the clock ----------------------------------------------------------------------------------------

    async def ask_due(self, *, is_patient: bool = False) -> list[str]:
        """Show what nobody has seen, decide what nobody decided in time; return what went wrong, in words.

        Their chat gets no more messages than any: what has no room waits for the next time, or, *is_patient*, here.
        """
        waiting = await self._database.read(approvals.undecided, self._sender.bot_id)
        if not waiting:
            return []
        office, now = await self._office(), self._clock.now()
        if office.chat_id is None:
            return ["posts wait for approval, and nobody can be asked; set bot.admin_chat in feeds.yaml"]
        asked = 0
        try:
            for each in waiting:
                route = office.routes.get(each.subscription_id)
                plan = route.channel.approve if route else None
                if route is None or plan is None:
                    await self._end(each, approval_cards.no_longer_asked(office.reader), due_at=now)
                elif each.expires_at is not None and each.expires_at <= now:
                    due_at = now if plan.then is Then.POST else None
                    await self._end(each, approval_cards.ran_out(plan.then, now, office.reader), due_at=due_at)
                elif each.message_id is None and asked < MOST_AT_ONCE and await self._is_rested(is_patient):
                    asked += 1
                    await self._ask(each, route, plan, office, office.chat_id)
        except DeliveryError as error:
            log.warning("admins not asked", problem=str(error))
            return [str(error)]
        return []

    async def _is_rested(self, is_patient: bool) -> bool:
        left = (self._ask_again_at - self._clock.now()).total_seconds()
        if left > 0 and is_patient:
            await self._clock.sleep(left)
        return left <= 0 or is_patient

    async def _end(self, asked: Asked, said: Message, *, due_at: datetime | None) -> None:
        if await self._database.write(approvals.decide, asked, self._clock.now(), due_at=due_at):
            log.info("approval ended", delivery=asked.delivery_id, posted=due_at is not None)
            await self._show(asked, said, None)

    async def _ask(self, asked: Asked, route: Subscription, plan: Approval, office: Office, chat_id: int) -> None:
        delivery = await self._database.read(approvals.load, asked.delivery_id)
        parts = await self._compose(delivery) if delivery else ()
        last = 0
        for part in parts:
            # A reply would be to a message of the channel, and the topic is the channel's too.
            last = await self._send(chat_id, replace(part, thread=None, reply_to=None, is_paid=False)) or last
        now = self._clock.now()
        # Another title buys no more time than the card said.
        expires_at = asked.expires_at or (now + plan.after if plan.after else None)
        card = approval_cards.card(
            await self._sender.title_of(route.channel), expires_at, plan.then, now, office.reader
        )
        rest = len(parts) + 1
        self._ask_again_at = now + (GROUP_REST if chat_id < 0 else REST) * rest
        message_id = await self._send_card(chat_id, card, self._buttons(asked, office.reader), last)
        await self._database.write(approvals.shown, asked, parts, expires_at, (chat_id, message_id), now)
        log.info("admins asked", delivery=asked.delivery_id, chat_id=chat_id)

    async def _send(self, chat_id: int, part: Message) -> int:
        try:
            async with self._pace(chat_id):
                return (await self._sender.send(chat_id, part)).message_id
        except MessageRejected as refused:
            form = fallback.plainer(part, refused)
            if form is None:
                log.warning("post not shown to admins", problem=str(refused))
                return 0
            async with self._pace(chat_id):
                return (await self._sender.send(chat_id, form)).message_id

    async def _send_card(self, chat_id: int, card: Message, buttons: InlineKeyboardMarkup, under: int) -> int:
        try:
            async with self._pace(chat_id):
                sent = await self._bot.send_message(
                    chat_id,
                    card.text,
                    entities=message_entities(card),
                    reply_markup=buttons,
                    reply_parameters=ReplyParameters(under, allow_sending_without_reply=True) if under else None,
                )
        except TelegramError as error:
            raise explain(error, chat_id) from error
        return sent.message_id

    def _buttons(self, asked: Asked, reader: Reader, *, times: bool = False) -> InlineKeyboardMarkup:
        labels = approval_cards.labels(reader)
        now = self._clock.now()
        rows: list[list[str]] = [["yes", "no"], ["title", "when"]]
        if times:
            choices = [each for each in ("hour", "evening", "morning") if self._time(each, now, reader)]
            rows = [*([each] for each in choices), ["back"]]
        return InlineKeyboardMarkup(
            [
                [InlineKeyboardButton(labels[each], callback_data=f"{PREFIX} {asked.token} {each}") for each in row]
                for row in rows
            ]
        )

    @staticmethod
    def _time(choice: str, now: datetime, reader: Reader) -> datetime | None:
        return approval_cards.scheduled_for(choice, now, reader.zone)

    # --- what is pressed -------------------------------------------------------------------------------------

    async def press(self, query: CallbackQuery, chat_id: int, message_id: int, language: Language) -> None:
        """Answer a press on a button of ours, or one that pretends to be."""
        user, office = query.from_user, await self._office()
        if user.id not in office.admins:
            await query.answer(replies.not_allowed(language), show_alert=True)
            return
        found = _PRESS.fullmatch(query.data or "")
        asked = await self._database.read(approvals.find, found[1]) if found else None
        if found is None or asked is None or (asked.chat_id, asked.message_id) != (chat_id, message_id):
            await query.answer(approval_cards.too_late(language), show_alert=True)
            return
        choice, reader, now = found[2], office.reader, self._clock.now()
        if choice in ("when", "back"):
            await query.answer()
            await self._show(asked, None, self._buttons(asked, reader, times=choice == "when"))
            return
        if choice == "title":
            await query.answer()
            await self._ask_title(asked, chat_id, message_id, reader)
            return
        due_at = None if choice == "no" else now if choice == "yes" else self._time(choice, now, reader)
        if choice not in ("yes", "no") and due_at is None:
            await query.answer(approval_cards.too_late(language), show_alert=True)
            return
        name = user.first_name
        if not await self._database.write(approvals.decide, asked, now, due_at=due_at, by=user.id, name=name):
            await query.answer(approval_cards.too_late(language), show_alert=True)
            return
        log.info("approval decided", delivery=asked.delivery_id, user_id=user.id, choice=choice)
        await query.answer()
        await self._show(asked, approval_cards.decided(choice, name, now, reader, due_at), None)

    async def _ask_title(self, asked: Asked, chat_id: int, message_id: int, reader: Reader) -> None:
        delivery = await self._database.read(approvals.load, asked.delivery_id)
        title = (delivery and delivery.post and delivery.post.entry.title) or ""
        wanted = approval_cards.title_wanted(title, reader)
        placeholder = title[: ReplyLimit.MAX_INPUT_FIELD_PLACEHOLDER] or None
        async with self._pace(chat_id):
            prompt = await self._bot.send_message(
                chat_id,
                wanted.text,
                entities=message_entities(wanted),
                reply_markup=ForceReply(input_field_placeholder=placeholder),
                reply_parameters=ReplyParameters(message_id, allow_sending_without_reply=True),
            )
        await self._database.write(approvals.prompted, asked, prompt.message_id)

    async def take_title(self, chat_id: int, prompt_id: int, text: str, user: User) -> bool:
        """Take *text* as the title that a message asked for; False where it asked for none.

        The post is shown anew, as it will appear now, and waits for its button as before.
        """
        asked = await self._database.read(approvals.find_prompted, chat_id, prompt_id)
        office, now, title = await self._office(), self._clock.now(), " ".join(text.split())[:LONGEST_TITLE]
        if asked is None or not title or user.id not in office.admins:
            return False
        name = user.first_name
        if await self._database.write(approvals.retitle, asked, title, now, by=user.id, name=name):
            log.info("title changed", delivery=asked.delivery_id, user_id=user.id)
            await self._show(asked, approval_cards.retitled(name, now, office.reader), None)
        return True

    async def _show(self, asked: Asked, said: Message | None, buttons: InlineKeyboardMarkup | None) -> None:
        """Put other words, or other buttons alone, in the place of a card's."""
        if asked.chat_id is None or asked.message_id is None:
            return
        try:
            async with self._pace(asked.chat_id):
                if said is None:
                    await self._bot.edit_message_reply_markup(asked.chat_id, asked.message_id, reply_markup=buttons)
                else:
                    await self._bot.edit_message_text(
                        said.text,
                        asked.chat_id,
                        asked.message_id,
                        entities=message_entities(said),
                        reply_markup=buttons,
                    )
        except BadRequest as error:  # somebody deleted the card, or it says this already
            log.info("card not changed", problem=error.message)
        except (TelegramError, RetryLater) as error:
            log.warning("card not changed", problem=str(error))
