"""The posts of a channel's page: as they went out, and as another template would have made them."""

from datetime import timedelta

from bot.channel_posts import Seen
from bot.model import DeliveryState, Enclosure, Media, MessageKind
from bot.render import TEMPLATES
from tests.builders import a_channel, a_subscription, an_entry
from tests.stage import Stage


async def test_the_page_has_what_went_out_and_what_waits_by_any_template(lite: Stage) -> None:
    await lite.adopt(a_subscription(channel=a_channel(media=Media.PHOTO, language="en")))
    await lite.read(an_entry(0))
    picture = (Enclosure("https://sky.example/1.jpg", "image/jpeg"),)
    await lite.read(*(an_entry(number, enclosures=picture) for number in range(1, 6)))
    await lite.outbox().deliver_due()
    routes, bot = lite.routes.subscriptions, lite.sender.bot_id
    seen = Seen(lite.database, bot, "main", routes, "qasedak_bot")
    own = await seen.as_sent()
    other = await seen.by("compact", TEMPLATES["compact"])
    states = [DeliveryState.SENT] * 3 + [DeliveryState.PENDING] * 2
    assert [shown.state for shown in own] == [shown.state for shown in other] == states
    assert [shown.delivery_id for shown in own] == [shown.delivery_id for shown in other]
    assert [shown.parts for shown in own[:3]] == [(message,) for message in lite.sender.messages]
    assert {shown.parts[0].kind for shown in own} == {MessageKind.PHOTO}
    assert {(shown.parts[0].kind, shown.parts[0].text.count("\n")) for shown in other} == {(MessageKind.TEXT, 1)}
    assert own[0].sent_at is not None
    assert other[0].sent_at == own[0].sent_at
    assert lite.clock.now() - own[0].sent_at < timedelta(minutes=1)
