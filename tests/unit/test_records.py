"""How messages lie in rows."""

from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Attachment, Button, Entity, LinkPreview, Message
from bot.storage.records import json_of, message_of

TEXT = st.text(max_size=5)
MESSAGES = st.builds(
    Message,
    TEXT,
    st.lists(st.builds(Entity, TEXT, st.integers(), st.integers())).map(tuple),
    link_preview=st.builds(LinkPreview, TEXT),
    media=st.lists(st.builds(Attachment, TEXT)).map(tuple),
    buttons=st.lists(st.lists(st.builds(Button, TEXT, TEXT)).map(tuple)).map(tuple),
    instead=st.none() | st.builds(Message, TEXT),
)


@given(MESSAGES)
def test_a_message_is_stored_whole(message: Message) -> None:
    stored = json_of(message)
    assert message_of(stored) == message
    plain = asdict(message)
    assert stored == plain | {
        "entities": list(plain["entities"]),
        "media": list(plain["media"]),
        "buttons": [list(row) for row in plain["buttons"]],
        "instead": stored["instead"],
    }
