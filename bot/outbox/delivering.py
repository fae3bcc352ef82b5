"""(4) Send what is due: claim a chat's lane, render, send, settle. Knows no feed format and no SQL.

A delivery is a row, and its state says what is known of it:

    pending     waits for its turn, or until ``due_at``, which quiet hours and the budget move on (``gate.py``)
        -> sending     an attempt is committed; only then does anything leave the machine
    sending     the attempt is under way, or was when the process died
        -> sent        Telegram answered with the message ids
        -> pending     surely not sent and worth another try; it keeps its place and blocks its lane meanwhile
        -> uncertain   no clear answer, or the lease ran out: it may have been sent
        -> dead        Telegram will never take it, or the chat is gone, or seven days of tries are over
    uncertain   to be settled, ten seconds after the attempt or later; blocks its lane (``settlement.py``)
        -> sent        it was looked for, and is in the chat
        -> pending     it was looked for, and is not; or a part of it is, and the others follow
      where nobody can look:
        -> pending     ``on_uncertain: resend``: sent again, at the risk of a double
        -> held        ``on_uncertain: hold``, or five tries without a clear answer: a person decides
    held        waits for a person; does not block
    dead        stays for the record; does not block
    sent, dropped   the end

The policy functions at the top are pure; ``Outbox`` carries their decisions out. Every wait but the bot's own pacing
is left to the lane's ``next_at``, so that a lane that must wait gives its place to another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot import metrics
from bot.clock import Clock
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryError,
    MessageRejected,
    RetryLater,
    RightsMissing,
    StorageError,
    TokenRejected,
    Uncertain,
)
from bot.model import (
    PREVIEW_BOT,
    Delivery,
    DeliveryState,
    Message,
    OnUncertain,
    SameStory,
    SentMessage,
    Subscription,
)
from bot.outbox import fallback
from bot.outbox.digester import Digester
from bot.outbox.editing import Editor, EditsMessages
from bot.outbox.evidence import Evidence
from bot.outbox.gate import Gate
from bot.outbox.settlement import Settlement, settle_at, unsent
from bot.outbox.ties import links_of, tie
from bot.outbox.turnstile import Turnstile
from bot.outbox.wardrobe import Wardrobe
from bot.pacing import PAID, WINDOW, Pace, chat_ready_at
from bot.personal import House
from bot.storage import feeds, files, lane_heads, lanes, status, subscribers, ties
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.gathering import Gathering
from bot.storage.lane_heads import Visit
from bot.storage.lanes import Arrival, Attempt, Lane, LeaseLost, Return

log = structlog.get_logger()

#: No send takes longer; its outcome is uncertain then. The Bot API server itself may sit on one for 8 s.
SEND_DEADLINE = timedelta(seconds=30)
#: A lease outlives the send made under it.
LEASE = SEND_DEADLINE + timedelta(seconds=10)
#: A transient fault makes nothing dead before this.
GIVE_UP_AFTER = timedelta(days=7)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
#: A chat that could not be looked at is tried again.
LOOK_AGAIN = timedelta(seconds=30)
#: ``once`` waits for a Retry-After up to this; a longer one is left for later.
SHORT_WAIT = timedelta(seconds=60)
#: Lanes served at the same time: enough for 28 messages a second at 300 ms each. A bot that may send more has more.
CONCURRENCY, MOST_AT_ONCE = 16, 64
#: Deliveries looked at in one go; pacing ends most visits sooner.
BATCH = 20
#: Lanes that become ready all the time must not keep a pass from ever ending: other things wait for it.
LONGEST_PASS = timedelta(seconds=10)
#: Less than this is a clock that is being adjusted.
LEAP = timedelta(seconds=30)
#: How long a chat that Telegram does not know is left alone before it is asked for again.
RESOLVE_AGAIN = timedelta(minutes=5)


# --- policy: pure --------------------------------------------------------------------------------------------


def retry_at(error: RetryLater, attempts: int, first_attempt_at: datetime, now: datetime) -> datetime | None:
    """When to try again after *attempts* tries; None when it is time to give up."""
    if error.after is not None:
        return now + error.after
    if now - first_attempt_at > GIVE_UP_AFTER:
        return None
    return now + min(FIRST_RETRY * 2.0 ** min(attempts - 1, 20), LONGEST_RETRY)


# --- what it needs -------------------------------------------------------------------------------------------


class Sender(EditsMessages, Protocol):
    """The way to Telegram, or to the local preview (``sender/``)."""

    bot_id: int

    @property
    def bot_name(self) -> str | None:
        """What links into the bot name it by; None until it is known."""

    async def send(self, chat_id: int, message: Message) -> SentMessage:
        """Hand one message over.

        Raises: DeliveryError, by what to do next.
        """

    async def resolve(self, chat: str) -> int:
        """Ask for the numeric id of an "@name".

        Raises: DeliveryError.
        """


@dataclass(slots=True)
class Delivered:
    """What one pass did. ``wait_until`` is when pacing or a settlement wants another one soon."""

    sent: int = 0
    dead: int = 0
    wait_until: datetime | None = None
    problems: list[str] = field(default_factory=list)  #: of chats and messages: the admin's card tells of them
    faults: list[str] = field(default_factory=list)  #: of the database

    def wait(self, until: datetime) -> None:
        """Note that a lane will be ready at *until*."""
        self.wait_until = min(until, self.wait_until or until)


class Outbox:
    """Sends the deliveries of one bot. ``subscriptions`` is replaced when feeds.yaml is read again.

    Those of feeds.yaml are all in it; a subscriber's own comes with its delivery.
    """

    def __init__(
        self,
        database: Database,
        sender: Sender,
        clock: Clock,
        *,
        subscriptions: dict[int, Subscription],
        gate: Gate | None = None,
        pace: Pace,
        on_uncertain: OnUncertain,
        house: House | None = None,
        evidence: Evidence | None = None,
        step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.subscriptions = subscriptions
        self.more: Callable[[], None] = _nobody  #: called when more lanes may be due than one process takes
        self._house = house or House()
        self._database = database
        self._sender = sender
        self._clock = clock
        self._pace = pace
        self._on_uncertain = on_uncertain
        #: Every message passes one of them, whoever sends.
        self.turnstile = Turnstile(clock, sender.bot_id, pace, database)
        self._paid_turnstile = Turnstile(clock, sender.bot_id, PAID, database, kind="paid")
        # Many lanes are served at once: what they write is committed together.
        self._look = Gathering(database, lane_heads.look_all, is_reading=True)
        self._take = Gathering(database, lanes.take_steps)
        self._gate = gate or Gate(database, Digester(database, clock, routes=Routes({}, {})))
        self._editor = Editor(database, sender, clock, render=self.compose, turn=self._turn, lease=LEASE)
        self._settlement = Settlement(database, clock, evidence)
        self._wardrobe = Wardrobe()
        self._resolve_again: dict[int, datetime] = {}
        self._ready_soon: dict[int, datetime] = {}  # lanes that wait for pacing or a settlement, by chat
        self._serving: set[int] = set()
        self._looked_at = clock.now()
        self._stopping = False
        self._fatal: TokenRejected | None = None
        #: Called between steps with their names; the crash test dies in it.
        self._step = step

    def configure(
        self, subscriptions: dict[int, Subscription], pace: Pace, on_uncertain: OnUncertain, house: House
    ) -> None:
        """Go on with what feeds.yaml says now."""
        self.subscriptions, self._on_uncertain, self._house = subscriptions, on_uncertain, house
        self._wardrobe = Wardrobe()
        self._pace = pace
        self.turnstile.configure(pace)

    def stop(self) -> None:
        """Begin no more sends; those under way end by themselves."""
        self._stopping = True

    async def deliver_due(self) -> Delivered:
        """Send what is due now, lane by lane; return when no lane has anything due, or after a while.

        The only way anything is sent. Safe to run in many processes: lanes are leased.
        """
        done = Delivered()
        await self._mind_the_clock()
        await self._settlement.clean_up()
        await self._resolve_targets(done)
        began = self._clock.now()
        last_claim = began + LONGEST_PASS
        pays = any(route.channel.paid_broadcast for route in self.subscriptions.values())
        rate = PAID.per_second if pays else self._pace.per_second
        at_once = max(CONCURRENCY, min(rate // 8, MOST_AT_ONCE))
        running: set[asyncio.Task[None]] = set()
        is_slow = False
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                now = self._clock.now()
                free = at_once - len(running)
                if now < last_claim:
                    # Not for each that becomes free: a claim waits for the disk, however many it takes. But where
                    # most wait for their answers, the others need not.
                    claimed = await self._claim(now, free, done) if free >= at_once // 4 or is_slow else ()
                    running |= {group.create_task(self._serve(lane, done)) for lane in claimed}
                elif not running:
                    done.wait(now)  # lanes may be due that there was no time for
                if not running:
                    break
                # A second at most: a lane that waits long for its answer must not keep others from being claimed.
                ended, running = await asyncio.wait(running, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                is_slow = not ended
        if self._fatal is not None:
            raise self._fatal
        # Also those of earlier passes whose time has not come. One whose time came and that was not ours is another's.
        self._ready_soon = {chat_id: at for chat_id, at in self._ready_soon.items() if at > began}
        for at in self._ready_soon.values():
            done.wait(at)
        return done

    async def _claim(self, now: datetime, limit: int, done: Delivered) -> Sequence[Lane]:
        try:
            claimed = await self._database.write(
                lanes.claim, self._sender.bot_id, now, limit=limit, lease=LEASE, besides=tuple(self._serving)
            )
        except StorageError as error:  # what is under way must not be cut off by it
            done.faults.append(str(error))
            log.error("no lane claimed", problem=str(error))
            return ()
        self._serving |= {lane.chat_id for lane in claimed}
        if claimed and len(claimed) == limit:
            self.more()
        return claimed

    async def _mind_the_clock(self) -> None:
        """A clock that was set back must not stop us until it is there again."""
        before, now = self._looked_at, self._clock.now()
        if now < before - LEAP and not await self._database.read(status.others_run, now):
            log.warning("clock went back", by_seconds=(before - now).total_seconds())
            await self._database.write(lanes.shift, self._sender.bot_id, now - before)
            self._ready_soon.clear()
            self._resolve_again.clear()
        self._looked_at = now

    async def resume_paused(self) -> None:
        """Try paused lanes again: an admin may have acted while nobody was listening. Costs one request a lane."""
        await self._database.write(lanes.resume_all, self._sender.bot_id, self._clock.now())

    async def _resolve_targets(self, done: Delivered) -> None:
        now = self._clock.now()
        for target in await self._database.read(feeds.unresolved, self._sender.bot_id):
            if self._resolve_again.get(target.target_id, now) > now:
                continue
            try:
                chat_id = await self._sender.resolve(target.chat)
            except DeliveryError as error:
                self._resolve_again[target.target_id] = now + RESOLVE_AGAIN
                done.problems.append(f"channel {target.channel}: {error}")
                log.warning("chat not resolved", channel=target.channel, problem=str(error))
                if isinstance(error, TokenRejected):
                    raise
            else:
                await self._database.write(feeds.resolve_target, target.target_id, chat_id, now)

    async def _serve(self, lane: Lane, done: Delivered) -> None:
        """Send what a lane's pacing allows now, then give the lane back."""
        next_at: datetime | None = None
        self._ready_soon.pop(lane.chat_id, None)
        try:
            waiting = await self._look(Visit(lane, self._clock.now(), BATCH, WINDOW))
            recent = list(waiting.recent)
            for delivery in waiting.head:
                now = self._clock.now()
                if delivery.state is not DeliveryState.PENDING:
                    next_at = await self._settle_uncertain(lane, delivery)
                    break
                if delivery.due_at > now:
                    next_at = delivery.due_at
                    break
                if not await self._gate.opens(lane, delivery, self._subscription(delivery), now):
                    continue
                ready_at = self._ready_at(lane, recent, now, is_paid=self._is_paid(delivery))
                if self._stopping or ready_at > now:
                    next_at = self._wait_for_pace(lane, ready_at)
                    break
                await self._settlement.prepare(lane)
                outcome = await self._deliver(lane, delivery, recent, done)
                recent += outcome.answered
                if outcome.next_at is not None:
                    next_at = outcome.next_at
                    break
            if next_at is None and waiting.has_wishes and not self._stopping:
                next_at = await self._change_messages(lane, recent)
            await self._take(Return(lane, next_at))
        except DeliveryError as error:
            next_at = await self._put_off(lane, error, done)
            await self._take(Return(lane, next_at))
        except StorageError as error:
            # Nothing was written: the lease runs out, and the lane is found as it was.
            done.faults.append(str(error))
            log.error("lane left", chat_id=lane.chat_id, problem=str(error))
        except LeaseLost:
            log.warning("lane taken over", chat_id=lane.chat_id)
        finally:
            self._serving.discard(lane.chat_id)

    def _ready_at(
        self, lane: Lane, recent: Sequence[datetime], now: datetime, count: int = 1, *, is_paid: bool = False
    ) -> datetime:
        if lane.bot_id == PREVIEW_BOT or is_paid:  # nobody counts there
            return now
        ready_at = chat_ready_at(recent, now, is_group=lane.chat_id < 0, pace=self._pace, count=count)
        return max(ready_at, now + self.turnstile.held())

    def _wait_for_pace(self, lane: Lane, ready_at: datetime) -> datetime:
        if ready_at <= self._clock.now() + SHORT_WAIT + WINDOW:  # a longer one is Telegram's word to the whole bot
            self._ready_soon[lane.chat_id] = ready_at
        return ready_at

    async def _settle_uncertain(self, lane: Lane, delivery: Delivery) -> datetime | None:
        """Decide about an attempt that may have gone through; return when to look at the lane again.

        Raises: DeliveryError, when it cannot be looked at now.
        """
        next_at = await self._settlement.settle(lane, delivery, self._on_uncertain)
        if next_at > self._clock.now():
            self._ready_soon[lane.chat_id] = next_at
        return next_at

    async def _put_off(self, lane: Lane, error: DeliveryError, done: Delivered) -> datetime:
        """A chat could not be looked at; return when to try again. Nothing of it was sent or decided."""
        log.warning("chat not looked at", chat_id=lane.chat_id, problem=str(error))
        match error:
            case TokenRejected():
                self._fatal, self._stopping = error, True
            case RightsMissing():
                await self._database.write(lanes.pause, lane.bot_id, lane.chat_id, str(error))
                done.problems.append(str(error))
        after = error.after if isinstance(error, RetryLater) else None
        return self._clock.now() + (after or LOOK_AGAIN)

    async def _deliver(self, lane: Lane, delivery: Delivery, recent: Sequence[datetime], done: Delivered) -> "_Outcome":
        """Make one attempt and record how it ended. Parts that the chat's pace puts off go out another time."""
        # What an admin approved goes out as it was shown.
        is_fixed = delivery.message_ids or (delivery.is_approved and delivery.parts)
        parts = delivery.parts if is_fixed else await self.compose(delivery)
        if any(part.media for part in parts):
            parts = await self._database.read(files.named, lane.bot_id, parts)
        if not parts:
            await self._database.write(
                lanes.end,
                lane,
                delivery,
                DeliveryState.DROPPED,
                "its route left feeds.yaml, or nothing of it can be shown",
            )
            return _Outcome()
        answered: list[datetime] = []
        leased_at, begun = 0.0, None
        try:
            while left := unsent(parts, delivery.message_ids):
                now = self._clock.now()
                ready_at = self._ready_at(lane, [*recent, *answered], now, left[0].count, is_paid=left[0].is_paid)
                if ready_at > now:
                    await self._database.write(lanes.put_back, lane, delivery, ready_at, None)
                    return _Outcome(answered, self._wait_for_pace(lane, ready_at))
                try:
                    async with self._turn(lane, left[0].count, is_paid=left[0].is_paid):
                        if begun is not parts:
                            leased_at, begun = self._clock.monotonic(), parts
                            lane, delivery = await self._begin(lane, delivery, parts)
                        await self._look_at_lease(lane, leased_at, is_paid=left[0].is_paid)
                        answer = await self._send(lane, left[0])
                except MessageRejected as refused:
                    parts = await self._plainer(lane, delivery, parts, refused)
                    continue
                answered += [answer.sent_at] * left[0].count
                self._step("after the send")
                if len(left) == 1:
                    await self._take(Arrival(lane, delivery, answer))
                else:
                    leased_at, until = self._clock.monotonic(), self._clock.now() + LEASE
                    lane, delivery = await self._database.write(lanes.part_sent, lane, delivery, answer, until)
                if any(answer.file_ids):
                    await self._database.write(files.keep, lane.bot_id, left[0], answer.file_ids, self._clock.now())
                if len(left) == 1:
                    break
        except DeliveryError as error:
            return await self._settle_error(lane, delivery, error, done)
        self._step("after the settlement")
        done.sent += 1
        if delivery.post is not None:
            metrics.observe_latency(delivery.post, answered[-1], is_replay=delivery.is_replay)
        log.info("delivered", post=delivery.post and delivery.post.id, delivery=delivery.id, chat_id=lane.chat_id)
        return _Outcome(answered)

    async def _plainer(
        self, lane: Lane, delivery: Delivery, parts: Sequence[Message], refused: MessageRejected
    ) -> Sequence[Message]:
        """The parts with a plainer form of the one that was refused: that was an answer, and nothing of it is out.

        Raises: MessageRejected, where there is none.
        """
        index = len(parts) - len(unsent(parts, delivery.message_ids))
        form = fallback.plainer(parts[index], refused)
        if form is None:
            raise refused
        log.warning("sent in a plainer form", delivery=delivery.id, kind=form.kind, problem=str(refused))
        if refused.media:
            await self._database.write(files.forget, lane.bot_id, parts[index])
        return (*parts[:index], form, *parts[index + 1 :])

    def _is_paid(self, delivery: Delivery) -> bool:
        route = self.subscriptions.get(delivery.subscription_id)
        return route is not None and route.channel.paid_broadcast

    def _subscription(self, delivery: Delivery) -> Subscription | None:
        return self.subscriptions.get(delivery.subscription_id) or self._house.subscription(delivery)

    async def _change_messages(self, lane: Lane, recent: list[datetime]) -> datetime | None:
        """What is out and says something else now; return when to go on with it."""

        def ready_at() -> datetime:
            now = self._clock.now()
            at = self._ready_at(lane, recent, now)
            return self._wait_for_pace(lane, at) if at > now else now

        return await self._editor.serve(lane, recent, ready_at)

    async def compose(self, delivery: Delivery) -> Sequence[Message]:
        """What a delivery says now, tied to other messages of its chat."""
        if delivery.post is None:
            return delivery.parts
        subscription = self._subscription(delivery)
        parts = (
            self._wardrobe.dress(delivery, delivery.post, subscription, self._sender.bot_name) if subscription else ()
        )
        route = self.subscriptions.get(delivery.subscription_id)
        if not parts or route is None:
            return parts
        links = links_of(delivery.post.entry) if route.channel.reply_to_linked else []
        if links or route.channel.same_story is SameStory.MENTION:
            found = await self._database.read(ties.find, delivery, links)
            return tie(parts, found, route.channel.language)
        return parts

    async def _begin(self, lane: Lane, delivery: Delivery, parts: Sequence[Message]) -> tuple[Lane, Delivery]:
        self._step("before the attempt is committed")
        now = self._clock.now()
        lane = await self._take(Attempt(lane, delivery, parts, now, now + LEASE))
        self._step("before the send")
        first = delivery.first_attempt_at or now
        return lane, replace(delivery, attempts=delivery.attempts + 1, first_attempt_at=first, attempt_at=now)

    @asynccontextmanager
    async def _turn(self, lane: Lane, count: int, *, is_paid: bool = False) -> AsyncIterator[None]:
        """Wait until the bot may send *count* more messages; they are under way within."""
        if lane.bot_id == PREVIEW_BOT:  # nobody counts there
            yield
            return
        async with self._passed(is_paid=is_paid).turn(count):
            yield

    def _passed(self, *, is_paid: bool) -> Turnstile:
        return self._paid_turnstile if is_paid else self.turnstile

    async def _look_at_lease(self, lane: Lane, leased_at: float, *, is_paid: bool) -> None:
        """The last step before writing: after a sleep of the machine, the lane may be somebody else's.

        Raises: LeaseLost; RetryLater. What remains is a sleep that falls between this look and the write.
        """
        self._passed(is_paid=is_paid).look()
        if self._clock.monotonic() - leased_at > (LEASE - SEND_DEADLINE).total_seconds():
            await self._database.write(lanes.renew, lane, self._clock.now() + LEASE)

    async def _send(self, lane: Lane, message: Message) -> SentMessage:
        try:
            async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
                answer = await self._sender.send(lane.chat_id, message)
        except TimeoutError:
            raise Uncertain(f"no answer within {SEND_DEADLINE.seconds} s") from None
        self._passed(is_paid=message.is_paid).taken()
        return answer

    async def _settle_error(self, lane: Lane, delivery: Delivery, error: DeliveryError, done: Delivered) -> "_Outcome":
        """Carry out what a failed attempt calls for; one branch for each class of error."""
        now = self._clock.now()
        write = self._database.write
        match error:
            case RetryLater():
                due_at = retry_at(error, delivery.attempts, delivery.first_attempt_at or now, now)
                if error.after is not None:
                    await self.turnstile.flooded(lane.chat_id, error.after)
                if due_at is None:
                    return await self._bury_delivery(lane, delivery, f"given up after 7 days: {error}", done)
                await write(lanes.put_back, lane, delivery, due_at, str(error))
                if error.after is not None and error.after <= SHORT_WAIT:
                    self._ready_soon[lane.chat_id] = due_at
                log.warning("delivery put off", delivery=delivery.id, problem=str(error))
                return _Outcome(next_at=due_at)
            case Uncertain():
                await write(lanes.end, lane, delivery, DeliveryState.UNCERTAIN, str(error))
                self._ready_soon[lane.chat_id] = settle_at(delivery)
                log.warning("send uncertain", delivery=delivery.id, problem=str(error))
                return _Outcome(next_at=settle_at(delivery))
            case ChatMigrated(new_chat_id=new_chat_id):
                await write(lanes.put_back, lane, delivery, now, str(error))
                await write(lanes.migrate_chat, lane, new_chat_id, now)
                log.info("chat migrated", chat_id=lane.chat_id, new_chat_id=new_chat_id)
                return _Outcome(next_at=now)
            case RightsMissing():
                await write(lanes.put_back, lane, delivery, now, str(error))
                await write(lanes.pause, lane.bot_id, lane.chat_id, str(error))
                done.problems.append(str(error))
                log.error("channel paused", chat_id=lane.chat_id, problem=str(error))
                return _Outcome(next_at=now)
            case ChatGone():
                buried = await write(lanes.bury, lane, str(error))
                await write(feeds.forget_chat_id, lane.bot_id, lane.chat_id)
                await write(subscribers.leave, lane.bot_id, lane.chat_id)
                done.dead += buried
                done.problems.append(str(error))
                log.error("chat gone", chat_id=lane.chat_id, dead=buried, problem=str(error))
                return _Outcome(next_at=now)
            case TokenRejected():
                await write(lanes.put_back, lane, delivery, now, str(error))
                self._fatal, self._stopping = error, True
                return _Outcome(next_at=now)
            case MessageRejected():
                return await self._bury_delivery(lane, delivery, str(error), done)
            case _:
                raise error

    async def _bury_delivery(self, lane: Lane, delivery: Delivery, reason: str, done: Delivered) -> "_Outcome":
        await self._database.write(lanes.end, lane, delivery, DeliveryState.DEAD, reason)
        done.dead += 1
        what = f"post {delivery.post.id}" if delivery.post else "a digest"
        done.problems.append(f"{what} to {lane.chat_id}: {reason}")
        log.error("delivery dead", delivery=delivery.id, problem=reason)
        return _Outcome()


def _nobody() -> None:
    """Nobody is called."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How an attempt left its lane: when its messages were answered, and when the lane may go on if not at once."""

    answered: list[datetime] = field(default_factory=list)
    next_at: datetime | None = None
