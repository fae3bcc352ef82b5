"""The bot that answers: updates come in, ``screens/replies.py`` finds the words, messages go straight back.

The one path to Telegram beside the outbox: a person waits for the answer. python-telegram-bot is spoken here and in
``sender/`` alone. Decides nothing about posts.
"""

import re
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from telegram import (
    Bot,
    CallbackQuery,
    ChatMember,
    ChatMemberAdministrator,
    ChatMemberUpdated,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Update,
)
from telegram import Message as TelegramMessage
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes, TypeHandler

from bot.admin import adding, approvals, daily_card
from bot.admin.adding import Admin
from bot.admin.approvals import Approvals
from bot.admin.control import is_of_admins
from bot.admin.daily_card import DailyCard
from bot.answers import Answers, Keyboard
from bot.clock import Clock
from bot.commands import browsing, menus
from bot.commands.browsing import Browsing, Seal
from bot.commands.claim import Claim
from bot.commands.conversation import Conversation, Speaker, speaker_of
from bot.commands.counter import Counter
from bot.commands.following import Following
from bot.commands.hand_posts import HandPosts
from bot.commands.opening import Finder, Opening
from bot.commands.permissions import Permissions
from bot.commands.recall import Recall
from bot.commands.reception import Reception, is_for_us, replied_to, said
from bot.commands.rights import ANONYMOUS, Caller
from bot.commands.showing import Showing
from bot.errors import DeliveryError, TokenRejected
from bot.labels import translator
from bot.model import Language
from bot.personal import House
from bot.screens import admin_replies, leafing, replies
from bot.screens.leafing import Reader, Screen
from bot.sender import explain, link_preview_options, message_entities
from bot.storage import lanes, people, reports, sightings, subscribers, updates
from bot.storage.database import Database

log = structlog.get_logger()

#: What we listen to; everything else stays with Telegram.
ALLOWED_UPDATES = [
    Update.MESSAGE,
    Update.EDITED_MESSAGE,
    Update.CALLBACK_QUERY,
    Update.MY_CHAT_MEMBER,
    Update.INLINE_QUERY,
    Update.CHANNEL_POST,
    Update.EDITED_CHANNEL_POST,
]
#: Seconds for which Telegram may answer the same inline query by itself.
INLINE_CACHE = 60


class ChatMenus:
    """The menu of one chat, as ``conversation.py`` knows it."""

    def __init__(self, bot: Bot, is_admin: Callable[[int], Awaitable[bool]]) -> None:
        self._bot, self._is_admin = bot, is_admin

    async def speak(self, chat_id: int, language: Language) -> None:
        """Show it in a language; an admin's has more in it."""
        set_menu = menus.set_for_admin if await self._is_admin(chat_id) else menus.set_for_chat
        await set_menu(self._bot, chat_id, language)

    async def forget(self, chat_id: int) -> None:
        """Show the common one again."""
        await menus.forget_chat(self._bot, chat_id)


class Commands:
    """Answers people, each chat in its order (``reception.py``)."""

    def __init__(
        self,
        bot: Bot,
        database: Database,
        clock: Clock,
        *,
        language: Language,
        zone: ZoneInfo,
        admins: Collection[int],
        on_conflict: Callable[[str], None],
        house: House | None = None,
    ) -> None:
        self.language, self.admins = language, admins
        self.bot = bot  #: whom we answer as
        self.is_polled = True  #: whether updates are asked for; else they are given to ``take``
        self.claim: Claim | None = None
        self.admin: Admin | None = None
        self.approvals: Approvals | None = None
        self.card: DailyCard | None = None  #: what needs a person, in the admin chat
        self.hand_posts: HandPosts | None = None
        self.opening: Opening | None = None
        self._is_open = False
        self._database = database
        self._clock = clock
        self._bot_id = int(bot.token.partition(":")[0])
        house = house or House(language=language, timezone=zone.key)
        self._browsing = Browsing(database, clock, bot_id=self._bot_id, zone=zone, house=house)
        self._following = Following(database, clock, house)
        self._menus = ChatMenus(bot, self.is_admin)
        self.counter: Counter | None = None  #: where admins are served
        self._conversation = Conversation(
            database, clock, self._browsing, self._following, Permissions(bot), self._menus
        )
        self._on_conflict = on_conflict
        self.recall, self._answers = Recall(clock), Answers(bot, clock)
        self.showing = Showing(bot, self._answers, Seal(bot.token))
        reception = Reception(clock, self.recall, self._too_much)
        builder = ApplicationBuilder().bot(bot).concurrent_updates(reception)
        self._application: Application = builder.build()  # type: ignore[type-arg]  # six parameters that nobody reads
        self._application.add_handler(TypeHandler(Update, self._answer))

    def open(self, finder: Finder, keep: Callable[[str, str | None], Awaitable[int | None]]) -> None:
        """Prepare to look at addresses for people; whether that is allowed, ``configure`` and ``is_open`` say."""
        self.opening = Opening(finder, self._following, self._clock, keep)
        self.is_open = self._is_open

    @property
    def pace(self) -> Callable[[int], AbstractAsyncContextManager[None]]:
        """Entered round each message and edit to a chat: the outbox makes room for it."""
        return self._answers.pace

    @pace.setter
    def pace(self, value: Callable[[int], AbstractAsyncContextManager[None]]) -> None:
        self._answers.pace = value

    @property
    def is_open(self) -> bool:
        """``bot.open``: whether anybody may follow any feed by its address."""
        return self._is_open

    @is_open.setter
    def is_open(self, value: bool) -> None:
        self._is_open = value
        self._conversation.opening = self.opening if value else None

    def configure(self, language: Language, zone: ZoneInfo, admins: Collection[int], house: House) -> None:
        """Go on with what feeds.yaml says now."""
        before, self.language, self.admins = self.admins, language, admins
        if changed := {*before} ^ {*admins}:
            self._application.create_task(self._change_menus(changed))
        self._browsing.zone, self._browsing.house, self._following.house = zone, house, house

    async def start(self) -> None:
        """Tell Telegram our menus and begin to listen.

        Raises: TokenRejected; other troubles of the network are retried in the background.
        """
        bot = self._application.bot
        await self._application.initialize()
        await self._application.start()
        self._browsing.bot_name = bot.username or ""
        await menus.set_everywhere(bot, self.language)
        await self._change_menus({*self.admins, *await self._database.read(reports.admin_ids)})
        if self.is_polled:
            await self.listen()

    @property
    def is_listening(self) -> bool:
        """Whether Telegram is asked for updates."""
        return self._application.updater is not None and self._application.updater.running

    async def listen(self) -> None:
        """Ask for updates from now on."""
        if self._application.updater is not None:
            # It takes a webhook away that was set before.
            await self._application.updater.start_polling(
                timeout=30,
                bootstrap_retries=-1,
                allowed_updates=ALLOWED_UPDATES,
                error_callback=self._polling_failed,
            )

    async def leave(self) -> None:
        """Ask no more: another process does."""
        if self._application.updater is not None and self._application.updater.running:
            await self._application.updater.stop()

    async def _change_menus(self, user_ids: Collection[int]) -> None:
        """Give admins theirs; who is none any more gets the common one again."""
        for user_id in sorted(user_ids):
            if await self.is_admin(user_id):
                await self._menus.speak(user_id, await self._language(user_id, None))
            else:
                await self._menus.forget(user_id)

    async def take(self, update: Mapping[str, Any]) -> None:
        """Answer an update that came by webhook, soon: nobody waits for it here."""
        try:
            made = Update.de_json(dict(update), self._application.bot)
        except (
            Exception
        ):  # whatever python-telegram-bot makes of what it does not know: Telegram must not send it again
            log.exception("update not understood", update=update.get("update_id"))
        else:
            await self._application.update_queue.put(made)

    async def stop(self) -> None:
        """Stop listening; the answer under way is finished."""
        self._answers.close()
        for room in (self.admin, self.counter, self.opening):
            if room is not None:
                await room.close()
        if self._application.updater is not None and self._application.updater.running:
            await self._application.updater.stop()
        if self._application.running:
            await self._application.stop()
        await self._application.shutdown()

    def _polling_failed(self, error: TelegramError) -> None:
        explained = explain(error, "updates")
        if isinstance(explained, TokenRejected):
            self._on_conflict(str(explained))
        log.warning("updates not read", problem=str(explained))

    # --- one update ------------------------------------------------------------------------------------------

    async def _answer(self, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            if update.channel_post or update.edited_channel_post:  # no question to us, and harmless to note twice
                await self._channel_posted(update)
            elif update.inline_query:
                await self._inline_asked(update.inline_query)
            elif await self._is_new(update):
                await self._take(update)
        except (TelegramError, DeliveryError) as error:
            # Nobody to tell: the way to that person is what failed.
            log.warning("answer not sent", update=update.update_id, problem=_problem(error))
        except Exception as error:  # the loop's top: one bad update must not end the bot
            # No text of the error: it may hold what somebody wrote.
            log.error("update failed", update=update.update_id, error=type(error).__name__, at=_trail(error))
            await self._apologise(update)

    async def _is_new(self, update: Update) -> bool:
        """Whether it is meant for us and was not taken before, also before a restart."""
        change = update.my_chat_member
        if change is None and not is_for_us(update, self.recall) and replied_to(update.message) is None:
            return False
        return await self._database.write(
            updates.take,
            self._bot_id,
            update.update_id,
            self._clock.now(),
            membership_of=change.chat.id if change else None,
        )

    async def _take(self, update: Update) -> None:
        if update.my_chat_member:
            await self._membership_changed(update.my_chat_member)
        elif update.callback_query:
            await self._button_pressed(update.callback_query)
        elif message := update.message or update.edited_message:
            await self._message_came(message, said(message))

    async def _apologise(self, update: Update) -> None:
        """Say something human; where even that fails, the log has said it."""
        user = update.effective_user
        try:
            language = replies.choose_language(None, user.language_code if user else None, self.language)
            if update.callback_query:
                await update.callback_query.answer(replies.failed(language).text, show_alert=True)
            elif message := update.message or update.edited_message:
                await self._answers.send(message.chat_id, replies.failed(language), thread=_thread(message))
        except (TelegramError, DeliveryError) as error:
            log.warning("answer not sent", update=update.update_id, problem=_problem(error))

    async def _too_much(self, update: Update) -> None:
        """Somebody asks faster than anybody reads."""
        chat, user = update.effective_chat, update.effective_user
        language = replies.choose_language(None, user.language_code if user else None, self.language)
        log.warning("too many updates", chat_id=chat.id if chat else None, user_id=user.id if user else None)
        try:
            if update.callback_query:
                await update.callback_query.answer(replies.too_fast(language).text, show_alert=True)
            elif chat:
                await self._answers.send(chat.id, replies.too_fast(language))
        except (TelegramError, DeliveryError) as error:
            log.warning("answer not sent", update=update.update_id, problem=_problem(error))

    async def _message_came(self, message: TelegramMessage, text: str) -> None:
        if await self._took_title(message, text):
            return
        speaker = await self._speaker(message)
        is_private, language = speaker.caller.is_private, speaker.language
        user_id = speaker.caller.user_id if is_private else None
        asked = self.recall.asked(message.chat_id, speaker.caller.user_id)
        self.recall.ask(message.chat_id, speaker.caller.user_id, "")
        if (
            user_id
            and self.counter
            and await self.counter.take_message(message, asked or "", text, user_id, self._reader(speaker))
        ):
            return
        if not text and is_private:
            await self._show(message, speaker, Screen(replies.only_words(language)))
            return
        if not text.startswith("/") and asked and (screen := await self._conversation.command(asked, text, speaker)):
            await self._show(message, speaker, screen)
            return
        if not text.startswith("/"):
            if user_id and self.admin and await self.admin.take_address(text, user_id, message.chat_id, language):
                return
            if is_private and not await self._look(message, speaker, "", text.strip()):
                await self._show(message, speaker, await self._conversation.plain(text, speaker))
            return
        name, _, argument = text.partition(" ")
        command, _, addressed = name[1:].partition("@")
        if addressed and addressed.lower() != (self._application.bot.username or "").lower():
            return
        command, argument = command.lower(), argument.strip()
        if user_id and self.admin and await self.admin.take(command, argument, user_id, message.chat_id, language):
            return
        if command == "start" and user_id and await self._claim(argument, user_id):
            await self._menus.speak(message.chat_id, language)
            await self._answers.send(message.chat_id, replies.became_admin(language))
            return
        if command == "help":
            for_admin = bool(user_id) and await self.is_admin(user_id or 0)
            guide = replies.guide(language, self._application.bot.username, for_admin=for_admin)
            await self._show(message, speaker, Screen(guide))
            return
        if await self._look(message, speaker, command, argument):
            return
        self._conversation.configured_admins = bool(self.admins)
        screen = await self._conversation.command(command, argument, speaker)
        if screen is not None:
            await self._show(message, speaker, screen)
        elif is_private or addressed:
            await self._show(message, speaker, Screen(replies.unknown_command(language)))

    async def _took_title(self, message: TelegramMessage, text: str) -> bool:
        """Whether it is the title that an admin was asked for."""
        prompt_id = replied_to(message)
        if prompt_id is None or self.approvals is None or message.from_user is None:
            return False
        return await self.approvals.take_title(message.chat_id, prompt_id, text, message.from_user)

    def _reader(self, speaker: Speaker) -> Reader:
        """An admin reads the bot's own clock."""
        return Reader(speaker.language, self._browsing.zone)

    async def _look(self, message: TelegramMessage, speaker: Speaker, command: str, argument: str) -> bool:
        """Begin to look at an address, if that is what somebody wants; it goes on in a task of its own."""
        url, opening = self._conversation.wants_look(command, argument, speaker), self._conversation.opening
        if url is None or opening is None:
            return False
        if not opening.may_look(speaker.caller):
            await self._show(message, speaker, Screen(replies.too_fast(speaker.language)))
            return True
        looking = await self._show(message, speaker, Screen(admin_replies.looking(url, speaker.language)))

        async def show(screen: Screen) -> None:
            await self.showing.replace(message.chat_id, looking, screen, speaker.caller.user_id)

        opening.look(url, speaker.caller, speaker.to, show)
        return True

    async def _speaker(self, message: TelegramMessage) -> Speaker:
        user = message.from_user
        caller = Caller(
            chat_id=message.chat_id,
            user_id=user.id if user else 0,
            is_private=message.chat.type == "private",
            thread=message.message_thread_id or 0 if message.is_topic_message else 0,
            sender_chat_id=message.sender_chat.id if message.sender_chat else None,
        )
        return speaker_of(caller, self._bot_id, await self._language_of(caller, user.language_code if user else None))

    async def _language_of(self, caller: Caller, of_person: str | None) -> Language:
        """A group's language is not that of whoever speaks there first."""
        return await self._language(caller.chat_id, of_person if caller.is_private else None)

    async def _language(self, chat_id: int, of_person: str | None) -> Language:
        chosen = await self._database.read(people.language_of, self._bot_id, chat_id)
        return replies.choose_language(chosen, of_person, self.language)

    async def _claim(self, payload: str, user_id: int) -> bool:
        """Whether a deep link is the one that makes its finder the first admin."""
        if not (payload and self.claim and self.claim.take(payload, self._clock.now())):
            return False
        await self._database.write(people.add_admin, user_id, self._clock.now())
        log.info("admin claimed", user_id=user_id)
        return True

    # --- buttons ---------------------------------------------------------------------------------------------

    async def _button_pressed(self, query: CallbackQuery) -> None:
        message = query.message
        if not isinstance(message, TelegramMessage):  # too old: Telegram no longer says which chat it is in
            await query.answer()
            return
        carried = query.data or ""
        if not carried.startswith("b"):
            language = await self._language(message.chat_id, query.from_user.language_code)
            match carried.split(" "):
                case [approvals.PREFIX, *_choice] if self.approvals is not None:
                    await self.approvals.press(query, message.chat_id, message.message_id, language)
                case [daily_card.PREFIX, *_choice] if self.card is not None:
                    await self.card.press(query, message.chat_id, message.message_id, language)
                case [adding.PREFIX, *_choice] if self.admin is not None:
                    await self.admin.press(query, message.chat_id, message.message_id, language)
                case ["sample", chat_id] if re.fullmatch(r"-?[0-9]{1,19}", chat_id):
                    await self._send_sample(query, int(chat_id), language)
                case _:
                    await query.answer()
            return
        await self._leaf(query, message, carried)

    async def _leaf(self, query: CallbackQuery, message: TelegramMessage, carried: str) -> None:
        """A button of a screen: the next one takes its place. It is its owner's; or any administrator's, see below."""
        chat_id, user_id = message.chat_id, query.from_user.id
        thread = message.message_thread_id or 0 if message.is_topic_message else 0
        caller = Caller(chat_id, user_id, message.chat.type == "private", thread)
        speaker = speaker_of(caller, self._bot_id, await self._language_of(caller, query.from_user.language_code))
        owner = user_id
        action = self.showing.action_of(carried, chat_id, owner)
        if action is None and not caller.is_private:
            # Who asked in the group's name presses in their own: their right is looked at like anybody's.
            owner = ANONYMOUS
            action = self.showing.action_of(carried, chat_id, owner)
        if action is not None and is_of_admins(action):
            if self.counter is not None:
                await self.counter.press(query, message, action, self._reader(speaker))
            return
        self._conversation.configured_admins = bool(self.admins)
        done = await self._conversation.press(action, message.text or "", speaker) if action else None
        if not isinstance(done, Screen):
            await query.answer(done or leafing.not_yours(speaker.language), show_alert=bool(done))
            return
        await self.showing.replace(chat_id, message.message_id, done, owner)
        self.recall.ask(chat_id, user_id, done.awaits)
        await query.answer()

    async def _show(self, message: TelegramMessage, speaker: Speaker, screen: Screen) -> int:
        """Answer with a screen, in the topic it was asked in; its buttons are for the one who asked.

        The answer to a message that was corrected takes the place of the one it had.
        """
        chat_id, caller = message.chat_id, speaker.caller
        buttons = self.showing.buttons(screen, chat_id, ANONYMOUS if caller.is_anonymous else caller.user_id)
        answer = self.recall.answer_of(chat_id, message.message_id)
        if answer is not None:
            await self._answers.edit(chat_id, answer, screen.message, buttons)
        else:
            keyboard: Keyboard | None = buttons
            if screen.awaits and buttons is None and not caller.is_private:
                keyboard = ForceReply(selective=True)  # in a group only a reply reaches us
            answer = await self._answers.send(
                chat_id, screen.message, keyboard, thread=_thread(message),
                reply_to=message.message_id if isinstance(keyboard, ForceReply) else None,
            )  # fmt: skip
        self.recall.answered(chat_id, message.message_id, said(message), answer)
        self.recall.ask(chat_id, caller.user_id, screen.awaits)
        return answer

    async def _inline_asked(self, query: InlineQuery) -> None:
        """``@bot words`` in any chat: posts to share, as one types."""
        language = await self._language(query.from_user.id, query.from_user.language_code)
        offset = int(query.offset) if query.offset.isdecimal() and len(query.offset) < 6 else 0
        offered = await self._browsing.offer(query.query, offset, language)
        await query.answer(
            [
                InlineQueryResultArticle(
                    f"post-{shared.post_id}",
                    shared.title or translator(language)("Untitled"),
                    InputTextMessageContent(
                        shared.message.text,
                        entities=message_entities(shared.message),
                        link_preview_options=link_preview_options(shared.message),
                    ),
                    description=shared.description,
                )
                for shared in offered
            ],
            cache_time=INLINE_CACHE,
            is_personal=True,  # the language is the person's
            next_offset=str(offset + len(offered)) if len(offered) == browsing.INLINE_PAGE else "",
        )

    async def _tend(self) -> None:
        if self.card is not None:
            await self.card.tend()

    async def _send_sample(self, query: CallbackQuery, chat_id: int, language: Language) -> None:
        """Right is looked at when the button is pressed, not when it was made."""
        if not await self.is_admin(query.from_user.id):
            await query.answer(replies.not_allowed(language), show_alert=True)
            return
        try:
            await self._answers.send(chat_id, replies.sample_post(language))
        except DeliveryError as error:
            await query.answer(str(error)[:200], show_alert=True)
        else:
            await query.answer(replies.sample_sent(language))

    async def is_admin(self, user_id: int) -> bool:
        """Whether somebody is an admin now: named in feeds.yaml, or come by the claim link."""
        return user_id in self.admins or user_id in await self._database.read(reports.admin_ids)

    # --- channels --------------------------------------------------------------------------------------------

    async def _channel_posted(self, update: Update) -> None:
        """Somebody else posted in a channel, or changed it: no place to search for ours, and what it says is known."""
        post = update.channel_post or update.edited_channel_post
        if post is not None:
            await self._database.write(sightings.raise_to, self._bot_id, post.chat_id, post.message_id)
            if self.hand_posts is not None:
                await self.hand_posts.note(post)

    async def _membership_changed(self, change: ChatMemberUpdated) -> None:
        """Rights came or went: the lane stops or goes on at once, and an admin who added us gets the card."""
        chat, member = change.chat, change.new_chat_member
        is_inside = member.status not in (ChatMember.LEFT, ChatMember.BANNED)
        follows = subscribers.come_back if is_inside else subscribers.leave
        await self._database.write(follows, self._bot_id, chat.id)
        if chat.type == "private":
            return
        problem = _posting_problem(member, is_channel=chat.type == "channel")
        if problem is None:
            resumed = await self._database.write(lanes.resume, self._bot_id, chat.id, self._clock.now())
            log.info("may post", chat_id=chat.id, resumed=resumed)
        else:
            waiting = await self._database.write(lanes.pause, self._bot_id, chat.id, problem)
            log.warning("may not post", chat_id=chat.id, problem=problem)
            if waiting is not None:
                await self._tend()
        was_outside = change.old_chat_member.status in (ChatMember.LEFT, ChatMember.BANNED)
        if was_outside and is_inside and await self.is_admin(change.from_user.id):
            language = await self._language(change.from_user.id, change.from_user.language_code)
            button = InlineKeyboardButton(translator(language)("Send a test post"), callback_data=f"sample {chat.id}")
            await self._answers.send(
                change.from_user.id,
                replies.channel_card(chat.title or "", chat.id, problem, language, chat.username),
                InlineKeyboardMarkup([[button]]),
            )


def _thread(message: TelegramMessage) -> int | None:
    """The topic of a forum that a message stands in."""
    return message.message_thread_id if message.is_topic_message else None


def _problem(error: Exception) -> str:
    return str(explain(error, "reply") if isinstance(error, TelegramError) else error)


def _trail(error: BaseException) -> str:
    """Where it happened: our own lines, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def _posting_problem(member: ChatMember, *, is_channel: bool) -> str | None:
    if member.status in (ChatMember.LEFT, ChatMember.BANNED):
        return "the bot was removed; add it again"
    if not is_channel:
        return None
    if not isinstance(member, ChatMemberAdministrator) or not member.can_post_messages:
        return "the bot may not post; in Telegram: channel administrators -> the bot -> Post messages"
    return None
