"""What goes with a post's text: a picture as preview, photo or album, a recording, and never at the cost of words."""

from typing import Any

import pytest

from bot import render
from bot.errors import MessageRejected
from bot.model import (
    Attachment,
    Enclosure,
    Entity,
    LinkPreview,
    Media,
    Message,
    MessageKind,
    PostButton,
    SummaryOptions,
)
from bot.outbox import fallback
from bot.render import dressing
from bot.text.richtext import utf16_length
from tests.builders import a_channel, a_post, a_subscription, an_entry

ONE, TWO, THREE = (f"https://sky.example/{number}.jpg" for number in (1, 2, 3))
SOUND = Enclosure("https://sky.example/1.mp3", "audio/mpeg", size=4_000_000)
FILM = Enclosure("https://sky.example/1.mp4", "video/mp4", size=90_000_000)
_LEAVES = (" ".join(f"leaf{number}{letter}" for letter in "abcdefgh") for number in range(30))
LONG = "".join(f"<p>Sentence number {number} tells of {leaves}.</p>" for number, leaves in enumerate(_LEAVES))


def images(*urls: str) -> tuple[Enclosure, ...]:
    return tuple(Enclosure(url, "image/jpeg") for url in urls)


def dressed(media: Media, enclosures: tuple[Enclosure, ...], *, content: str = "", **channel: Any) -> Message:
    changes: dict[str, Any] = {"content": f"<p>{content}</p>"} if content else {}
    post = a_post(an_entry(enclosures=enclosures, **changes))
    (message,) = dressing.dress(post, a_subscription(channel=a_channel(media=media, language="en", **channel)))
    return message


def test_a_preview_shows_the_picture_large_above_the_text() -> None:
    message = dressed(Media.PREVIEW, images(ONE, TWO))
    assert (message.kind, message.media) == (MessageKind.TEXT, ())
    assert message.link_preview == LinkPreview(ONE, prefer_large_media=True, show_above_text=True)
    assert dressed(Media.PREVIEW, ()).link_preview == LinkPreview()


@pytest.mark.parametrize(
    ("media", "urls", "kind", "count"),
    [
        (Media.PHOTO, [ONE, TWO], MessageKind.PHOTO, 1),
        (Media.ALBUM, [ONE, TWO, THREE], MessageKind.ALBUM, 3),
        (Media.ALBUM, [f"https://sky.example/p{number}.jpg" for number in range(14)], MessageKind.ALBUM, 10),
        (Media.ALBUM, [ONE], MessageKind.PHOTO, 1),
        (Media.PHOTO, [], MessageKind.TEXT, 0),
        (Media.ALBUM, [], MessageKind.TEXT, 0),
        (Media.NONE, [ONE], MessageKind.TEXT, 0),
    ],
    ids=["photo", "album", "album-of-ten", "album-of-one", "no-photo", "no-album", "none"],
)
def test_pictures_become_what_the_channel_wants(media: Media, urls: list[str], kind: MessageKind, count: int) -> None:
    message = dressed(media, images(*urls))
    assert (message.kind, [attachment.url for attachment in message.media]) == (kind, urls[:count])
    assert message.link_preview == LinkPreview()
    assert message.text == dressed(Media.NONE, ()).text


def test_a_compact_message_is_bare() -> None:
    message = dressed(Media.PHOTO, images(ONE), template="compact")
    assert (message.kind, message.link_preview) == (MessageKind.TEXT, LinkPreview())


def test_a_text_too_long_for_a_caption_is_shortened_to_a_sentence_and_stays_whole_for_the_fallback() -> None:
    summary = SummaryOptions(20, 3000)
    message = dressed(Media.PHOTO, images(ONE), content=LONG, summary=summary)
    assert message.kind is MessageKind.PHOTO
    assert message.text.count("Sentence number") == 1
    assert utf16_length(message.text) <= dressing.CAPTION_LIMIT
    assert message.instead is not None
    assert message.instead.text == dressed(Media.PREVIEW, images(ONE), content=LONG, summary=summary).text
    assert utf16_length(message.instead.text) > dressing.CAPTION_LIMIT


def test_a_text_that_no_sentence_makes_short_enough_keeps_its_words_and_shows_a_preview() -> None:
    message = dressed(Media.PHOTO, images(ONE), content=LONG, summary=SummaryOptions(20, 3000), footer="x" * 1000)
    assert message.kind is MessageKind.TEXT
    assert message.link_preview.url == ONE
    assert message.text.count("Sentence number") > 5


def test_a_small_recording_is_sent_and_a_large_one_is_linked_above_the_footer() -> None:
    sent = dressed(Media.PHOTO, (*images(ONE), SOUND))
    assert (sent.kind, sent.media) == (MessageKind.AUDIO, (Attachment(SOUND.url),))
    assert "Listen" not in sent.text
    assert sent.instead is not None
    assert sent.instead.link_preview.url == ONE
    for media in Media:
        linked = dressed(media, (FILM,), footer="@my_channel #Space")
        *_, line, footer = linked.text.split("\n")
        assert (line, footer) == ("\U0001f3ac Watch", "@my_channel #Space")
        (entity,) = (entity for entity in linked.entities if entity.url == FILM.url)
        start = linked.text.encode("utf-16-le")[2 * entity.offset : 2 * (entity.offset + entity.length)]
        assert start.decode("utf-16-le") == "Watch"


def test_entities_behind_the_line_of_a_recording_move_with_their_words() -> None:
    message = Message("a\nbold", (Entity("bold", 2, 4),))
    linked = dressing._with_link(message, FILM, a_channel(language="fa", footer="bold"))
    units = linked.text.encode("utf-16-le")
    shown = [
        units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le") for entity in linked.entities
    ]
    assert shown == ["تماشا", "bold"]
    assert linked.text == "a\n\u200f\U0001f3ac تماشا\nbold"


def test_a_line_that_would_be_too_much_is_left_out() -> None:
    message = Message("x" * render.MESSAGE_LIMIT)
    assert dressing._with_link(message, FILM, a_channel()) == message


REFUSED = MessageRejected("no", media=True)


def forms(message: Message, *refusals: MessageRejected) -> list[tuple[MessageKind, int, str | None]]:
    """What each refusal in turn leaves."""
    found = []
    for refused in refusals:
        form = fallback.plainer(message, refused)
        assert form is not None
        message = form
        found.append((message.kind, len(message.media), message.link_preview.url))
    assert fallback.plainer(message, REFUSED) is None
    return found


def test_an_album_loses_the_picture_that_was_refused_and_ends_as_text() -> None:
    album = dressed(Media.ALBUM, images(ONE, TWO, THREE))
    second, first = MessageRejected("no", media=True, item=2), MessageRejected("no", media=True, item=1)
    left = fallback.plainer(album, second)
    assert left is not None
    assert [attachment.url for attachment in left.media] == [ONE, THREE]
    assert forms(album, second, first, REFUSED, REFUSED) == [
        (MessageKind.ALBUM, 2, None), (MessageKind.PHOTO, 1, None), (MessageKind.TEXT, 0, ONE),
        (MessageKind.TEXT, 0, None),
    ]  # fmt: skip
    assert forms(album, REFUSED, REFUSED, REFUSED) == [
        (MessageKind.PHOTO, 1, None), (MessageKind.TEXT, 0, ONE), (MessageKind.TEXT, 0, None),
    ]  # fmt: skip


def test_a_refused_file_id_is_tried_again_by_its_address() -> None:
    photo = Message("a", kind=MessageKind.PHOTO, media=(Attachment(ONE, "file"),), instead=Message("a"))
    again = fallback.plainer(photo, REFUSED)
    assert again is not None
    assert (again.kind, again.media) == (MessageKind.PHOTO, (Attachment(ONE),))


def test_a_photo_that_telegram_cannot_reach_is_handed_over_before_it_is_given_up() -> None:
    photo, refused = dressed(Media.PHOTO, images(ONE)), MessageRejected("no", media=True, unreachable=True)
    ours = fallback.plainer(photo, refused)
    assert ours is not None
    assert ours.media == (Attachment(ONE, is_ours=True),)
    assert fallback.plainer(ours, refused) == photo.instead


def test_what_is_refused_for_its_words_has_no_plainer_form() -> None:
    assert fallback.plainer(dressed(Media.PHOTO, images(ONE)), MessageRejected("message is too long")) is None


READ, SHARE, SUBSCRIBE, MORE = PostButton


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("en", [["Read", "Share"], ["Follow in the bot", "More from this source"]]),
        ("fa", [["خواندن", "هم\u200cرسانی"], ["دنبال کردن در ربات", "بیشتر از این منبع"]]),
    ],
)
def test_buttons_stand_two_in_a_row_in_the_language_of_the_channel(language: str, labels: list[list[str]]) -> None:
    post = a_post(an_entry(link="https://sky.example/ماه کامل?a=1&b=2"), feed_id=37)
    channel = a_channel(language=language, buttons=tuple(PostButton))
    (message,) = dressing.dress(post, a_subscription(channel=channel), bot="qasedak_bot")
    assert [[button.text for button in row] for row in message.buttons] == labels
    assert [button.url for row in message.buttons for button in row] == [
        "https://sky.example/ماه%20کامل?a=1&b=2",
        "https://t.me/share/url?url=https%3A%2F%2Fsky.example%2F%D9%85%D8%A7%D9%87%2520"
        "%DA%A9%D8%A7%D9%85%D9%84%3Fa%3D1%26b%3D2",
        "https://t.me/qasedak_bot?start=f_11",
        "https://t.me/qasedak_bot?start=m_11",
    ]


@pytest.mark.parametrize(
    ("wanted", "changes", "labels"),
    [
        ((MORE, READ), {}, ["More from this source", "Read"]),
        ((READ, SHARE, MORE), {"link": None}, ["More from this source"]),
        ((READ, SHARE), {"link": "http://localhost/1"}, []),
        ((READ,), {"link": f"https://sky.example/{'x' * 2100}"}, []),
        ((), {}, []),
    ],
    ids=["order", "no-link", "no-address", "too-long", "none"],
)
def test_a_button_that_leads_nowhere_is_left_out(
    wanted: tuple[PostButton, ...], changes: dict[str, Any], labels: list[str]
) -> None:
    channel = a_channel(language="en", buttons=wanted)
    (message,) = dressing.dress(a_post(an_entry(**changes)), a_subscription(channel=channel), bot="qasedak_bot")
    assert [button.text for row in message.buttons for button in row] == labels


def test_without_the_bots_name_no_button_leads_into_it() -> None:
    channel = a_channel(language="en", buttons=(SUBSCRIBE, MORE, READ))
    (message,) = dressing.dress(a_post(), a_subscription(channel=channel))
    assert [button.text for row in message.buttons for button in row] == ["Read"]


def test_every_form_of_a_message_has_its_buttons_but_the_album() -> None:
    form: Message | None = dressed(Media.ALBUM, images(ONE, TWO), buttons=(READ,))
    found = []
    while form is not None:
        found.append((form.kind, len(form.buttons)))
        form = form.instead
    assert found == [(MessageKind.ALBUM, 0), (MessageKind.PHOTO, 1), (MessageKind.TEXT, 1)]
    assert dressed(Media.PREVIEW, (), template="compact", buttons=(READ,)).buttons == ()
    refused = MessageRejected("no", buttons=True)
    without = fallback.plainer(dressed(Media.PHOTO, images(ONE), buttons=(READ,)), refused)
    assert without is not None
    assert without.instead is not None
    assert (without.kind, without.buttons, without.instead.buttons) == (MessageKind.PHOTO, (), ())
    assert fallback.plainer(without, refused) is None
