"""What the page of a channel shows: its posts as they went out, and as those that wait will look.

Called by ``web/site.py`` through ``app.py``. Reads and changes nothing; by another template than the channel's own,
posts are dressed anew from what is stored, which is what they would have become.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.model import Delivery, Message, Shown, Subscription
from bot.render import dressing
from bot.storage import reports
from bot.storage.database import Database

#: Posts that were sent; of another template fewer, since each of them is made anew.
MOST_SENT, MOST_DRESSED = 500, 100
MOST_WAITING = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """One channel of one bot; *bot_name* is for the buttons that lead into it."""

    database: Database
    bot_id: int
    channel: str
    routes: Mapping[int, Subscription]
    bot_name: str | None

    async def as_sent(self) -> Sequence[Shown]:
        """What was sent, as it was sent, and what waits."""
        sent = await self.database.read(reports.shown_in_channel, self.bot_id, self.channel, MOST_SENT)
        return [*sent, *await asyncio.to_thread(self._dressed, await self._waiting(), self.routes)]

    async def by(self, template: str, text: str) -> Sequence[Shown]:
        """The same posts as they would be by another template, whose source is *text*."""
        routes = {
            number: replace(route, channel=replace(route.channel, template=template), template_text=text)
            for number, route in self.routes.items()
            if route.channel.name == self.channel
        }
        sent = await self.database.read(reports.shown_in_channel, self.bot_id, self.channel, MOST_DRESSED)
        found = await self.database.read(reports.deliveries_of, [shown.delivery_id for shown in sent])
        waiting = await self._waiting()
        # A digest has no other form: its messages were made with it.
        bare = [replace(each, parts=()) if each.post else each for each in (*found, *waiting)]
        anew = await asyncio.to_thread(self._dressed, bare, routes)
        dressed = {shown.delivery_id: shown for shown in anew}
        past = [
            replace(shown, parts=dressed[shown.delivery_id].parts) for shown in sent if shown.delivery_id in dressed
        ]
        return [*past, *(dressed[each.id] for each in waiting if each.id in dressed)]

    async def _waiting(self) -> Sequence[Delivery]:
        return await self.database.read(reports.pending_in_channel, self.bot_id, self.channel, MOST_WAITING)

    def _dressed(self, deliveries: Sequence[Delivery], routes: Mapping[int, Subscription]) -> list[Shown]:
        return [
            Shown(
                delivery_id=delivery.id,
                post_id=delivery.post.id if delivery.post else None,
                state=delivery.state,
                parts=delivery.parts or self._parts(delivery, subscription),
                due_at=delivery.due_at,
            )
            for delivery in deliveries
            if (subscription := routes.get(delivery.subscription_id))
        ]

    def _parts(self, delivery: Delivery, subscription: Subscription) -> tuple[Message, ...]:
        return tuple(dressing.dress(delivery.post, subscription, bot=self.bot_name)) if delivery.post else ()
