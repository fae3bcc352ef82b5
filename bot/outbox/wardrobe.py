"""Posts dressed for their chats, and remembered while a crowd gets them: rendering is most of what a message costs.

Called by ``delivering.py`` alone. Remembers for subscribers only, since a channel gets a post once; by the post, which
says of what feed it is, and by what the chat chose.
"""

from collections.abc import Hashable, Sequence
from zoneinfo import ZoneInfo

from bot.model import Delivery, Message, Pick, Post, Subscription
from bot.render import dressing

#: Posts times choices of subscribers that are remembered; then it begins anew.
MOST_REMEMBERED = 64


class Wardrobe:
    """Of one reading of feeds.yaml: what it says for all subscribers is not asked."""

    def __init__(self) -> None:
        self._worn: dict[Hashable, Sequence[Message]] = {}

    def dress(self, delivery: Delivery, post: Post, subscription: Subscription, bot: str | None) -> Sequence[Message]:
        """The messages of a delivery of *post*, as they go out."""
        zone = ZoneInfo(subscription.channel.timezone)
        plan = subscription.feed.replay
        is_anniversary = delivery.is_replay and plan is not None and plan.pick is Pick.ON_THIS_DAY
        today = delivery.created_at.astimezone(zone).date() if is_anniversary else None
        if delivery.own is None:
            return dressing.dress(post, subscription, bot=bot, replayed_on=today)
        form = (post, delivery.own, delivery.thread, today, bot)
        if form not in self._worn:
            if len(self._worn) >= MOST_REMEMBERED:
                self._worn.clear()
            self._worn[form] = tuple(dressing.dress(post, subscription, bot=bot, replayed_on=today))
        return self._worn[form]
