"""(6) Hand a message to the Bot API, or to the local preview."""

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from telegram import (
    Bot,
    ChatMember,
    ChatMemberAdministrator,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram import Message as TelegramMessage
from telegram.error import TelegramError

from bot.clock import Clock, SystemClock
from bot.errors import ChatGone, DeliveryError, FetchError, MessageRejected, SourceError
from bot.model import ANY_BOT, PREVIEW_BOT, Attachment, Channel, Message, MessageKind, SentMessage
from bot.sender.refusals import POST_RIGHT, explain

log = structlog.get_logger()

#: The bytes of the picture at an address; raises SourceError.
FetchPicture = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class ChatReport:
    """What Telegram says of a configured chat. ``problem`` is None when posts can go out."""

    chat_id: int
    title: str
    problem: str | None


class TelegramSender:
    """Sends through one bot."""

    def __init__(self, bot: Bot, clock: Clock | None = None, *, fetch: FetchPicture | None = None) -> None:
        self._bot = bot
        self._fetch = fetch  # of what Telegram cannot have from its address
        self._clock = clock or SystemClock()
        self.bot_id = int(bot.token.partition(":")[0])

    @property
    def bot_name(self) -> str | None:
        """Its @name without the sign; None until Telegram has told it."""
        try:
            return str(self._bot.username)
        except RuntimeError:  # what the library raises before its first getMe
            return None

    async def send(self, chat_id: int, message: Message) -> SentMessage:
        """Send one message, as text or caption + entities.

        Raises: DeliveryError, by what to do next.
        """
        files = [await self._file(attachment) for attachment in message.media]
        try:
            answers = await self._call(chat_id, message, files)
        except TelegramError as error:
            raise explain(error, chat_id, is_album=message.kind is MessageKind.ALBUM) from error
        first, *further = (answer.message_id for answer in answers)
        file_ids = tuple(_file_id(answer, message.kind) for answer in answers) if message.media else ()
        return SentMessage(first, self._clock.now(), tuple(further), file_ids)

    async def _file(self, attachment: Attachment) -> str | bytes:
        """What the Bot API is given: a name of its own, an address, or the file."""
        if attachment.file_id or not attachment.is_ours:
            return attachment.file_id or attachment.url
        try:
            if self._fetch is None:
                raise FetchError("nobody here fetches pictures")
            return await self._fetch(attachment.url)
        except SourceError as error:
            raise MessageRejected(f"the picture: {error}", media=True) from error

    async def _call(self, chat_id: int, message: Message, files: Sequence[str | bytes]) -> Sequence[TelegramMessage]:
        """The method of the Bot API that the message's kind asks for."""
        bot, entities = self._bot, message_entities(message)
        common: dict[str, Any] = {  # the same of every method, by python-telegram-bot's names
            "chat_id": chat_id,
            "disable_notification": message.silent,
            "message_thread_id": message.thread if message.thread != 1 else None,  # 1 is General: it must be left out
            "reply_parameters": _reply_parameters(message),
            "allow_paid_broadcast": message.is_paid or None,
        }
        if message.kind is MessageKind.ALBUM:
            # The caption of the first item stands under the album, as long as no other has one.
            first = InputMediaPhoto(files[0], caption=message.text, caption_entities=entities)
            return await bot.send_media_group(media=[first, *map(InputMediaPhoto, files[1:])], **common)
        common["reply_markup"] = keyboard(message)
        captioned: dict[str, Any] = {"caption": message.text, "caption_entities": entities}
        match message.kind:
            case MessageKind.PHOTO:
                return [await bot.send_photo(photo=files[0], **captioned, **common)]
            case MessageKind.AUDIO:
                return [await bot.send_audio(audio=files[0], **captioned, **common)]
            case MessageKind.VIDEO:
                return [await bot.send_video(video=files[0], supports_streaming=True, **captioned, **common)]
            case MessageKind.TEXT:
                preview = link_preview_options(message)
                return [
                    await bot.send_message(text=message.text, entities=entities, link_preview_options=preview, **common)
                ]

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        """Put other words in the place of a message's, its buttons with them; the same ones again are no error.

        Raises: DeliveryError; MessageRejected where there is nothing that could be changed any more.
        """
        # The keyboard always: an edit without it takes it away.
        common: dict[str, Any] = {"chat_id": chat_id, "message_id": message_id, "reply_markup": keyboard(message)}
        entities = message_entities(message)
        try:
            if message.kind is MessageKind.TEXT:
                preview = link_preview_options(message)
                await self._bot.edit_message_text(
                    message.text, entities=entities, link_preview_options=preview, **common
                )
            else:
                await self._bot.edit_message_caption(caption=message.text, caption_entities=entities, **common)
        except TelegramError as error:
            if "message is not modified" not in error.message.lower():
                raise explain(error, chat_id) from error

    async def title_of(self, channel: Channel) -> str:
        """What Telegram calls a channel; without an answer the name of feeds.yaml."""
        try:
            return (await self.report(channel.chat)).title
        except DeliveryError as error:
            log.warning("title not known", channel=channel.name, problem=str(error))
            return channel.name

    async def resolve(self, chat: str) -> int:
        """Ask for the id of an "@name".

        Raises: DeliveryError.
        """
        try:
            found = await self._bot.get_chat(chat)
        except TelegramError as error:
            raise explain(error, chat) from error
        return int(found.id)

    async def report(self, chat: str) -> ChatReport:
        """Look at a chat and at the bot's rights in it.

        Raises: DeliveryError, when the chat is unknown or the network is down.
        """
        reference = int(chat) if chat.lstrip("-").isdigit() else chat
        try:
            found = await self._bot.get_chat(reference)
            member = await self._bot.get_chat_member(found.id, self.bot_id) if found.id < 0 else None
        except TelegramError as error:
            raise explain(error, chat) from error
        title = found.title or found.full_name or chat
        return ChatReport(int(found.id), title, _missing_right(member) if found.type == "channel" else _absence(member))


def _missing_right(member: ChatMember | None) -> str | None:
    if not isinstance(member, ChatMemberAdministrator):
        return f"the bot is not an administrator; in Telegram: channel administrators -> add it -> {POST_RIGHT}"
    if not member.can_post_messages:
        return f"the bot may not post; in Telegram: channel administrators -> the bot -> {POST_RIGHT}"
    return None


def _absence(member: ChatMember | None) -> str | None:
    gone = member is not None and member.status in (ChatMember.LEFT, ChatMember.BANNED)
    return "the bot is not in this group; add it" if gone else None


def _reply_parameters(message: Message) -> ReplyParameters | None:
    """An admin may have deleted what is replied to: the post matters more than the thread."""
    if message.reply_to is None:
        return None
    return ReplyParameters(message.reply_to, allow_sending_without_reply=True)


def _file_id(answer: TelegramMessage, kind: MessageKind) -> str | None:
    """Under which name Telegram keeps what it was given; None where it took it for something else."""
    if kind is MessageKind.AUDIO:
        return answer.audio.file_id if answer.audio else None
    if kind is MessageKind.VIDEO:
        return answer.video.file_id if answer.video else None
    return answer.photo[-1].file_id if answer.photo else None


async def username_of(bot: Bot) -> str:
    """Ask who we are.

    Raises: DeliveryError.
    """
    try:
        await bot.initialize()
    except TelegramError as error:  # a refused token among them
        raise explain(error, "getMe") from error
    return str(bot.username)


def keyboard(message: Message) -> InlineKeyboardMarkup | None:
    """A message's buttons in python-telegram-bot's class. An edit that leaves them out takes them away."""
    rows = [[InlineKeyboardButton(button.text, url=button.url) for button in row] for row in message.buttons]
    return InlineKeyboardMarkup(rows) if rows else None


def link_preview_options(message: Message) -> LinkPreviewOptions:
    """A message's link preview in python-telegram-bot's class."""
    return LinkPreviewOptions(
        is_disabled=message.link_preview.url is None,
        url=message.link_preview.url,
        prefer_large_media=message.link_preview.prefer_large_media or None,
        show_above_text=message.link_preview.show_above_text or None,
    )


def message_entities(message: Message) -> list[MessageEntity]:
    """A message's entities in python-telegram-bot's class."""
    return [
        MessageEntity(
            entity.type,
            entity.offset,
            entity.length,
            url=entity.url,
            language=entity.language,
            unix_time=datetime.fromtimestamp(entity.unix_time, UTC) if entity.unix_time is not None else None,
            date_time_format=entity.date_time_format,
        )
        for entity in message.entities
    ]


class LocalPreview:
    """Takes every message and sends it nowhere: what the store keeps of a delivery is what the page shows."""

    bot_id = PREVIEW_BOT
    bot_name = ANY_BOT

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = itertools.count(1)

    async def send(self, chat_id: int, message: Message) -> SentMessage:  # noqa: ARG002 (the sender's signature)
        """Accept it."""
        first, *further = (next(self._ids) for _item in range(message.count))
        return SentMessage(first, self._clock.now(), tuple(further))

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        """Accept it."""

    async def title_of(self, channel: Channel) -> str:
        """The name of feeds.yaml: there is nobody to ask."""
        return channel.name

    async def resolve(self, chat: str) -> int:
        """Never asked: the store gives a preview's targets their ids."""
        raise ChatGone(f"{chat}: the preview knows no chats; this is a bug, please report it")
