"""What the page of a channel shows: its posts as they went out, and as those that wait will look.

Called by ``web.py`` through ``app.py``. Reads and changes nothing; by another template than the channel's own, posts
are dressed anew from what is stored, which is what they would have become.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot import dressing
from bot.model import Delivery, Shown, Subscription
from bot.storage import reports
from bot.storage.database import Database

#: Posts that were sent; of another template fewer, since each of them is made anew.
MOST_SENT, MOST_DRESSED = 500, 100
MOST_WAITING = 50


async def load(database: Database, bot_id: int, channel: str, routes: Mapping[int, Subscription]) -> Sequence[Shown]:
    """What was sent to a channel, as it was sent, and what waits for it."""
    sent = await database.read(reports.shown_in_channel, bot_id, channel, MOST_SENT)
    waiting = await database.read(reports.pending_in_channel, bot_id, channel, MOST_WAITING)
    return [*sent, *await asyncio.to_thread(_dressed, waiting, routes)]


async def load_by(
    database: Database, bot_id: int, channel: str, routes: Mapping[int, Subscription], template: str, text: str
) -> Sequence[Shown]:
    """The same posts as they would be by another template, whose source is *text*."""
    other = {
        number: replace(route, channel=replace(route.channel, template=template), template_text=text)
        for number, route in routes.items()
        if route.channel.name == channel
    }
    sent = await database.read(reports.shown_in_channel, bot_id, channel, MOST_DRESSED)
    found = await database.read(reports.deliveries_of, [shown.delivery_id for shown in sent])
    waiting = await database.read(reports.pending_in_channel, bot_id, channel, MOST_WAITING)
    anew = await asyncio.to_thread(_dressed, [replace(each, parts=()) for each in (*found, *waiting)], other)
    dressed = {shown.delivery_id: shown for shown in anew}
    past = [replace(shown, parts=dressed[shown.delivery_id].parts) for shown in sent if shown.delivery_id in dressed]
    return [*past, *(dressed[each.id] for each in waiting if each.id in dressed)]


def _dressed(deliveries: Sequence[Delivery], routes: Mapping[int, Subscription]) -> list[Shown]:
    return [
        Shown(
            delivery_id=delivery.id,
            post_id=delivery.post.id,
            state=delivery.state,
            parts=delivery.parts or tuple(dressing.dress(delivery.post, subscription)),
            due_at=delivery.due_at,
        )
        for delivery in deliveries
        if (subscription := routes.get(delivery.subscription_id))
    ]
