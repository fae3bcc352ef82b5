"""What goes out in the place of a message that Telegram refused. Pure; ``delivering.py`` sends it.

A refusal is an answer: nothing is in the chat. So the next form may go out at once, and the last of them is plain text,
which no picture can keep from its reader.
"""

from dataclasses import replace

from bot.errors import MessageRejected
from bot.model import LinkPreview, Message, MessageKind


def plainer(message: Message, refused: MessageRejected) -> Message | None:
    """The next form of a message, without what was refused; None where its words are what Telegram will not take."""
    if refused.buttons and message.buttons:
        return replace(message, buttons=(), instead=message.instead and replace(message.instead, buttons=()))
    if refused.entities and message.entities:
        instead = message.instead and replace(message.instead, entities=())
        return replace(message, entities=(), instead=instead)
    if not refused.media:
        return None
    if any(attachment.file_id for attachment in message.media):
        # Telegram forgot a file of ours, or never let this bot have it: its address is as good.
        return replace(message, media=tuple(replace(attachment, file_id=None) for attachment in message.media))
    if message.kind is MessageKind.ALBUM and refused.item is not None and 0 < refused.item <= len(message.media):
        return _without_item(message, refused.item - 1)
    if message.kind is MessageKind.PHOTO and refused.unreachable and not message.media[0].is_ours:
        return replace(message, media=(replace(message.media[0], is_ours=True),))
    if message.instead is not None:
        return message.instead
    if message.link_preview.url is not None:
        return replace(message, link_preview=LinkPreview())
    return None


def _without_item(album: Message, index: int) -> Message:
    """What is left of an album; its ``instead`` is the photo of one picture, which a single one becomes at once."""
    left = album.media[:index] + album.media[index + 1 :]
    photo = replace(album.instead or album, kind=MessageKind.PHOTO, media=left[:1])
    return replace(album, media=left, instead=photo) if len(left) > 1 else photo
