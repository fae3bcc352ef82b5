"""What a crowd gets is made once for each choice, and never for another."""

from dataclasses import replace

import pytest

from bot.model import ChatOptions, Delivery, DeliveryState, Feed, FeedKind, Message, Post
from bot.outbox.wardrobe import Wardrobe
from bot.personal import House
from bot.render import dressing
from tests.builders import NOW, a_post, an_entry

HOUSE = House({1: Feed("sky", FeedKind.HTTP, "https://sky.example/feed", headers={"Authorization": "secret"})})


def words(wardrobe: Wardrobe, chat_id: int, post: Post, **chosen: object) -> tuple[Message, ...]:
    own = ChatOptions(**chosen)  # type: ignore[arg-type]  # by name, in each case below
    delivery = Delivery(chat_id, chat_id, post, chat_id, DeliveryState.PENDING, 0, NOW, NOW, own=own)
    subscription = HOUSE.subscription(delivery)
    assert subscription
    return tuple(wardrobe.dress(delivery, post, subscription, "sky_bot"))


def test_a_crowd_gets_what_each_would_get_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made, dress = [], dressing.dress

    def noted(*of: object, **also: object) -> list[Message]:
        made.append(of)
        return dress(*of, **also)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(dressing, "dress", noted)
    wardrobe, post = Wardrobe(), a_post()
    choices: list[dict[str, object]] = [{}, {"language": "en"}, {"silent": True}, {"template": "compact"}]
    for chat_id in range(1, 21):
        chosen = choices[chat_id % 4]
        assert words(wardrobe, chat_id, post, **chosen) == words(Wardrobe(), chat_id, post, **chosen)
    assert len(made) == 20 + len(choices)
    corrected = replace(post, entry=replace(an_entry(), title="A full moon"))
    assert "A full moon" in words(wardrobe, 1, corrected)[0].text
