"""Messages as they are kept, and which of a delivery's are out."""

import json

from bot.model import Attachment, Button, Message, MessageKind
from bot.outbox.settlement import unsent
from bot.storage import records


def test_the_parts_that_are_out_are_counted_by_what_telegram_makes_of_them() -> None:
    album = Message("a", kind=MessageKind.ALBUM, media=(Attachment("https://a.example/1.jpg"),) * 3)
    parts = (Message("x"), album, Message("y"))
    assert [len(unsent(parts, range(ids))) for ids in (0, 1, 4, 5)] == [3, 2, 1, 0]


def test_a_message_is_kept_as_it_was_made() -> None:
    media = (Attachment("https://a.example/1.jpg", "id"), Attachment("https://a.example/2.jpg"))
    buttons = ((Button("Read", "https://a.example/"),), (Button("Share", "https://b.example/"),))
    made = Message("a", kind=MessageKind.ALBUM, media=media, buttons=buttons, instead=Message("b", silent=True))
    assert records.message_of(json.loads(json.dumps(records.json_of(made)))) == made
