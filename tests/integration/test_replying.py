"""A post that links to one that is out in the same chat replies to it."""

from datetime import timedelta

import pytest

from bot.model import Entry
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

FIRST = an_entry(1, link="https://sky.example/first")


def linking(*links: str, number: int = 2) -> Entry:
    return an_entry(number, content="".join(f"<p>As <a class=x href='{link}'>said</a>.</p>" for link in links))


async def replies(stage: Stage, *entries: Entry, chat: str = "-1001111111111", reply: bool = True) -> list[int | None]:
    """FIRST goes out, then these; what each of them replies to."""
    stage.sender.names["@sky_notes"] = -1001111111111
    channel = a_channel(language="en", chat=chat, reply_to_linked=reply)
    await stage.adopt(a_subscription(channel=channel))
    await stage.read(an_entry(90))
    await stage.read(FIRST)
    await stage.deliver_until_idle(stage.outbox())
    await stage.read(*entries)
    await stage.deliver_until_idle(stage.outbox())
    first, *others = stage.sender.messages
    assert first.reply_to is None
    return [message.reply_to for message in others]


@pytest.mark.parametrize(
    ("links", "message_id"),
    [
        (["https://sky.example/first"], 1),
        (["http://SKY.example/first?utm_source=rss&amp;utm_medium=x#top"], 1),
        (["https://elsewhere.example", "https://sky.example/first"], 1),
        (["https://elsewhere.example"], None),
        ([f"https://elsewhere.example/{number}" for number in range(30)] + ["https://sky.example/first"], None),
        (["https://sky.example/2"], None),
        ([], None),
        (["https://t.me/c/1111111111/77"], 77),
        (["https://t.me/c/2222222222/77"], None),
        (["https://t.me/sky_notes/78?single"], None),
    ],
    ids=[
        "linked", "linked-otherwise", "second-link", "elsewhere", "after-twenty", "itself", "no-link", "message-here",
        "message-of-another-chat", "name-of-another-chat",
    ],
)  # fmt: skip
async def test_the_first_link_that_leads_into_the_chat_is_replied_to(
    lite: Stage, links: list[str], message_id: int | None
) -> None:
    assert await replies(lite, linking(*links)) == [message_id]


async def test_a_message_of_a_channel_by_name_is_replied_to(stage: Stage) -> None:
    assert await replies(stage, linking("https://t.me/Sky_Notes/78?single"), chat="@sky_notes") == [78]


async def test_a_channel_may_want_no_replies(lite: Stage) -> None:
    assert await replies(lite, linking(FIRST.link or ""), reply=False) == [None]


async def test_what_went_to_another_chat_is_not_replied_to(stage: Stage) -> None:
    other = a_channel("other", chat="-1002222222222", language="en")
    press = a_feed("press")
    await stage.adopt(a_subscription(channel=a_channel(language="en")), a_subscription(press, other))
    await stage.read(an_entry(90))
    await stage.read(an_entry(91, link=None), feed="press")
    await stage.read(FIRST)
    await stage.read(linking(FIRST.link or ""), feed="press")
    await stage.deliver_until_idle(stage.outbox())
    assert [message.reply_to for message in stage.sender.messages] == [None, None]


async def test_a_post_waits_for_nothing_to_reply_to(lite: Stage) -> None:
    """The linked post is enqueued behind it: it is not out, so there is nothing to reply to."""
    await lite.adopt(a_subscription(channel=a_channel(language="en")))
    await lite.read(an_entry(90))
    await lite.read(linking(FIRST.link or "", number=3), FIRST)
    await lite.deliver_until_idle(lite.outbox(), within=timedelta(minutes=1))
    assert sorted(map(str, (message.reply_to for message in lite.sender.messages))) in (["1", "None"], ["None", "None"])
