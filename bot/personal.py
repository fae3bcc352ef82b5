"""What a subscriber's chat chose becomes the form of its messages. Pure; called by ``outbox/`` and the screens.

A channel's form stands in feeds.yaml; a subscriber's is kept with its chat and comes with each delivery, so that nobody
holds the records of all subscribers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from bot import render
from bot.model import (
    Calendar,
    Channel,
    ChatOptions,
    Delivery,
    DigestPlan,
    Feed,
    FeedKind,
    Language,
    Subscription,
    SummaryOptions,
    Weekday,
)

_CHARS_A_SENTENCE = 200
#: When a subscriber's digest comes.
DIGEST_AT = time(9)


@dataclass(frozen=True, slots=True)
class House:
    """What holds for every subscriber: the bot's own settings, and the feeds it reads."""

    feeds: Mapping[int, Feed] = field(default_factory=dict)
    language: Language = "fa"
    timezone: str = "Asia/Tehran"
    tags: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=lambda: render.TEMPLATES)

    def channel(self, options: ChatOptions, chat_id: int, thread: int | None) -> Channel:
        """The chat of a subscriber, as if it stood in feeds.yaml."""
        sentences = options.summary
        return Channel(
            name="",
            chat=str(chat_id),
            thread=thread or None,
            language=options.language or self.language,
            timezone=options.timezone or self.timezone,
            calendars=options.calendars,
            digits=options.digits,
            template=options.template,
            summary=SummaryOptions(sentences, sentences * _CHARS_A_SENTENCE) if sentences else None,
            media=options.media,
            silent=options.silent,
            source=True,  # posts of many feeds come together there
            digest=plan_of(options),
        )

    def subscription(self, delivery: Delivery) -> Subscription | None:
        """The subscription that a delivery belongs to, if it is a subscriber's own and still there."""
        post = delivery.post
        if delivery.own is None:
            return None
        feed = (post and self.feeds.get(post.feed_id)) or Feed((post and post.feed_title) or "", FeedKind.HTTP, "")
        channel = self.channel(delivery.own, delivery.chat_id, delivery.thread)
        return Subscription(
            feed=feed,
            channel=channel,
            id=delivery.subscription_id,
            template_text=self.templates[channel.template],
            tags=self.tags,
            home_timezone=self.timezone,
        )


def plan_of(options: ChatOptions) -> DigestPlan | None:
    """When a chat's digest comes, in its own zone; a week ends as its first calendar has it."""
    if options.digest is None:
        return None
    on = Weekday.SATURDAY if options.calendars[:1] == (Calendar.JALALI,) else Weekday.MONDAY
    return DigestPlan(options.digest, DIGEST_AT, on.number, instead=True)
