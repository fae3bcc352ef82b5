"""What admins have to do with in a transcript: a desk that touches no file, and things that go wrong."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, update

from bot import identity
from bot.admin.choosing import Configured
from bot.admin.control import Control
from bot.admin.desk import Seen
from bot.admin.feed_list import FeedList
from bot.admin.overseeing import Overseeing
from bot.admin.pausing import Pausing
from bot.admin.queueing import Queueing
from bot.admin.trying import Trying
from bot.commands.counter import Counter
from bot.commands.updates import Commands
from bot.config.opml import Outline
from bot.errors import ConfigError, FetchError
from bot.manners import NextCheck, Rhythm
from bot.model import DeliveryState, Feed
from bot.render import TEMPLATES
from bot.storage import lanes, status
from bot.storage.feeds import Routes
from bot.storage.schema import deliveries
from bot.storage.schema import feeds as feed_table
from bot.storage.tally import Tally
from bot.web.words import Speech
from tests.builders import NOW, an_entry
from tests.stage import Stage

CHANNEL = -1001111111111


@dataclass
class FakeDesk:
    """Reads what the test says, and writes into no file."""

    stage: Stage
    added: list[Outline] = field(default_factory=list)

    async def look(self, feed: Feed, _rhythm: Rhythm | None) -> Seen:
        if feed.name == "winter":
            raise FetchError("winter.example answered 503; it is asked again later", status=503)
        entries = [
            an_entry(1, title="A full moon over the hills", published=NOW - timedelta(hours=5), tags=("moon",)),
            an_entry(6, title="Two comets", published=NOW - timedelta(minutes=20)),
            an_entry(7, title="An old one", published=NOW - timedelta(days=90)),
        ]
        found = identity.oldest_first(identity.identify(entries))
        again = NextCheck(
            self.stage.clock.now() + timedelta(minutes=42), "your floor 30m, rhythm 12m, publisher says 2520s"
        )
        return Seen("Sky Notes", tuple(found), again)

    async def add_all(self, outlines: Sequence[Outline], channel: str | None) -> list[str]:
        self.added += outlines
        return [f"feed-{number}" for number in range(1, len(outlines) + 1)]

    async def remove(self, name: str) -> bool:
        if name == "garden":
            raise ConfigError("feeds.yaml: has a form in which no feed can be removed; remove it by hand")
        kept = {number: feed for number, feed in self.stage.routes.feeds.items() if feed.name != name}
        routes = {number: one for number, one in self.stage.routes.subscriptions.items() if one.feed.name != name}
        self.stage.routes = Routes(kept, routes, self.stage.routes.bot_id)
        return True

    def private(self) -> Collection[str]:
        return ()


def counter_of(stage: Stage, commands: Commands) -> Counter:
    """The counter of a transcript's bot."""

    def configured() -> Configured:
        channels = {route.channel.name: route.channel for route in stage.routes.subscriptions.values()}
        return Configured(
            zone=ZoneInfo("Asia/Tehran"),
            channels=channels,
            feeds=stage.routes.feeds,
            routes=stage.routes.subscriptions,
            titles={"main": "Night Sky"},
            templates=TEMPLATES,
        )

    desk = FakeDesk(stage)
    shared = (stage.database, stage.clock, stage.sender.bot_id, configured)
    control = Control(
        is_admin=commands.is_admin,
        overseeing=Overseeing(*shared, draw=drawn),
        queueing=Queueing(*shared),
        pausing=Pausing(*shared),
        trying=Trying(*shared, look=desk.look),
        feed_list=FeedList(*shared, desk),
    )
    return Counter(control, commands.showing, commands.recall)


async def drawn(_found: Tally, _speech: Speech) -> bytes:
    """In the place of the child process that draws."""
    return b"\x89PNG"


# --- what happens --------------------------------------------------------------------------------------------


async def posts_come(stage: Stage) -> None:
    await stage.read(
        an_entry(4, title="Mars at dawn", published=NOW - timedelta(minutes=50)),
        an_entry(5, title="ماه کامل", published=NOW - timedelta(minutes=40)),
        an_entry(8, title="The winter triangle", published=NOW - timedelta(minutes=30)),
    )


async def two_fail(stage: Stage) -> None:
    """Of three that wait one is dead, one held."""
    await posts_come(stage)

    def fail(connection: Connection) -> None:
        states = {
            1: (DeliveryState.DEAD, "Bad Request: message is too long"),
            2: (DeliveryState.HELD, "it may have been sent"),
        }
        for number, (state, error) in states.items():
            connection.execute(
                update(deliveries).where(deliveries.c.id == number).values(
                    state=state, error=error, attempts=number, attempt_at=NOW
                )
            )  # fmt: skip

    await stage.database.write(fail)


async def rights_go(stage: Stage) -> None:
    await stage.database.write(
        lanes.pause, stage.sender.bot_id, CHANNEL, "need administrator rights in the channel chat"
    )


async def a_feed_fails(stage: Stage) -> None:
    await stage.database.write(
        lambda connection: connection.execute(
            update(feed_table).where(feed_table.c.url.contains("garden")).values(
                health="silent", health_since=NOW, newest_at=NOW - timedelta(days=4), gap_seconds=8 * 3600
            )
        )
    )  # fmt: skip


async def the_loops_run(stage: Stage) -> None:
    for name in ("poll", "deliver"):
        await stage.database.write(status.beat, name, NOW, NOW + timedelta(minutes=5))


async def time_goes_by(stage: Stage) -> None:
    stage.clock.advance(timedelta(hours=25))


#: A line of a transcript that nobody says.
EVENTS: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "(the bot runs)": the_loops_run,
    "(three posts wait)": posts_come,
    "(one post fails, one is held)": two_fail,
    "(the channel takes the right to post away)": rights_go,
    "(a feed falls silent)": a_feed_fails,
    "(a day goes by)": time_goes_by,
}
