"""(5) A rendered post gets what goes with its text: its pictures, or its recording, and its buttons. Pure.

Called in the place of ``render`` by everybody who sends or shows posts, so that all of them show the same. A picture
never costs words: what is too long for a caption is shortened to a sentence, else it keeps its text and shows the
picture as a preview. Each form carries the one that goes out where Telegram refuses it (``outbox/fallback.py``).
"""

from dataclasses import replace
from datetime import date
from urllib.parse import quote

from markupsafe import Markup

from bot import links, render
from bot.labels import translator
from bot.model import (
    Attachment,
    Button,
    Channel,
    Enclosure,
    LinkPreview,
    Media,
    Message,
    MessageKind,
    Post,
    PostButton,
    Subscription,
)
from bot.render import pictures
from bot.text import persian, richtext
from bot.text.richtext import utf16_length

#: Longest caption in UTF-16 code units (Bot API, sendPhoto).
CAPTION_LIMIT = 1024
#: Entities of a message; Telegram forgets the others.
ENTITY_LIMIT = 100
#: Pictures of an album (Bot API, sendMediaGroup).
ALBUM_LIMIT = 10
#: Longest address of a button; what Telegram takes is not written anywhere, browsers take this.
BUTTON_URL_LIMIT = 2048
#: Templates that are a line or two: nothing goes with them.
BARE = frozenset({"compact"})


def dress(
    post: Post, subscription: Subscription, *, bot: str | None = None, replayed_on: date | None = None
) -> list[Message]:
    """The messages of one delivery, as they go out; *bot* is the name of the bot, where buttons lead into it.

    ``replayed_on`` is the day on which an old post is brought back for its anniversary.
    """
    parts = render.render(post, subscription, replayed_on=replayed_on)
    channel = subscription.channel
    if not parts or channel.template in BARE:
        return parts
    found = pictures.find(post.entry) if channel.media is not Media.NONE else ()
    recorded = pictures.recording(post.entry)
    texts = [_with_preview(parts[0], found), *parts[1:]]
    buttons = _buttons(post, channel, bot)
    texts[-1] = replace(_with_link(texts[-1], recorded, channel), buttons=buttons)
    # Of several parts none is short enough for a caption, and a caption that leaves out what they say is no post.
    if channel.media not in (Media.PHOTO, Media.ALBUM) or len(texts) > 1:
        return texts
    if recorded and pictures.is_small(recorded):
        caption = _caption(parts[0], post, subscription, None, replayed_on)
        return [_with_recording(replace(caption, buttons=buttons), recorded, texts[0])] if caption else texts
    caption = _caption(parts[0], post, subscription, recorded, replayed_on) if found else None
    return [_with_pictures(replace(caption, buttons=buttons), found, channel, texts[0])] if caption else texts


# --- texts ---------------------------------------------------------------------------------------------------


def _with_preview(message: Message, found: tuple[str, ...]) -> Message:
    """The post's picture, large and above the text: a caption without its limit."""
    preview = LinkPreview(found[0], prefer_large_media=True, show_above_text=True) if found else LinkPreview()
    return replace(message, link_preview=preview)


def _with_link(message: Message, recorded: Enclosure | None, channel: Channel) -> Message:
    """A line that leads to the recording, above the footer; left out where there is no room for it."""
    if recorded is None:
        return message
    t = translator(channel.language)
    label = t("Watch") if pictures.is_video(recorded) else t("Listen")
    sign = "\U0001f3ac" if pictures.is_video(recorded) else "\U0001f3a7"
    line = render.lay_out(Markup('{} <a href="{}">{}</a>').format(sign, recorded.url, label), channel.language)
    before, _, footer = message.text.rpartition("\n")
    if not before or _unmarked(footer) != _unmarked(channel.footer):
        before, footer = message.text, ""
    start = utf16_length(before) + 1
    text = f"{before}\n{line.text}" + (f"\n{footer}" if footer else "")
    shift = utf16_length(line.text) + 1
    entities = [
        replace(entity, offset=entity.offset + shift) if entity.offset >= start else entity
        for entity in message.entities
    ]
    entities += [replace(entity, offset=entity.offset + start) for entity in line.entities]
    if utf16_length(text) > render.MESSAGE_LIMIT or len(entities) > ENTITY_LIMIT:
        return message
    return replace(message, text=text, entities=tuple(sorted(entities, key=lambda entity: entity.offset)))


def _unmarked(text: str) -> str:
    """Without what sets its direction."""
    return persian.strip_controls(text).translate(_MARKS).strip()


_MARKS = dict.fromkeys(map(ord, persian.MARKS.values()))


# --- media ---------------------------------------------------------------------------------------------------


def _caption(
    text: Message, post: Post, subscription: Subscription, recorded: Enclosure | None, replayed_on: date | None
) -> Message | None:
    """The text where it fits under a picture, else with a summary of one sentence; None where that is too long too."""
    channel = subscription.channel
    forms = [text]
    if channel.summary is not None:
        short = replace(channel, summary=replace(channel.summary, sentences=1))
        shorter = render.render(post, replace(subscription, channel=short), replayed_on=replayed_on)
        forms += shorter if len(shorter) == 1 else []
    linked = (_with_link(form, recorded, channel) for form in forms)
    return next((form for form in linked if utf16_length(form.text) <= CAPTION_LIMIT), None)


def _with_recording(caption: Message, recorded: Enclosure, instead: Message) -> Message:
    kind = MessageKind.VIDEO if pictures.is_video(recorded) else MessageKind.AUDIO
    return replace(caption, kind=kind, media=(Attachment(recorded.url),), instead=instead)


def _with_pictures(caption: Message, found: tuple[str, ...], channel: Channel, instead: Message) -> Message:
    media = tuple(Attachment(url) for url in found[:ALBUM_LIMIT])
    photo = replace(caption, kind=MessageKind.PHOTO, media=media[:1], instead=instead)
    if channel.media is Media.PHOTO or len(media) == 1:
        return photo
    return replace(caption, kind=MessageKind.ALBUM, media=media, buttons=(), instead=photo)


# --- buttons -------------------------------------------------------------------------------------------------


def _buttons(post: Post, channel: Channel, bot: str | None) -> tuple[tuple[Button, ...], ...]:
    """What the channel wants under its posts, as far as there is somewhere to lead to; two in a row."""
    t = translator(channel.language)
    link = richtext.telegram_url(post.entry.link or "")
    link = link if link and len(link) <= BUTTON_URL_LIMIT else None
    labels = {
        PostButton.READ: (t("Read"), link),
        PostButton.SHARE: (t("Share"), link and f"https://t.me/share/url?url={quote(link, safe='')}"),
        PostButton.SUBSCRIBE: (t("Follow in the bot"), bot and links.address(bot, links.to_feed(post.feed_id))),
        PostButton.MORE: (t("More from this source"), bot and links.address(bot, links.to_more(post.feed_id))),
    }
    made = [Button(label, url) for label, url in (labels[wanted] for wanted in channel.buttons) if url]
    return tuple(tuple(made[start : start + 2]) for start in range(0, len(made), 2))
