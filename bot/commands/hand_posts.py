"""A post that an admin of a channel made by hand becomes an entry, and is kept. Called by ``updates.py``.

Telegram tells of every post of a channel but our own. Texts and captions are kept; pictures alone say nothing that
could be found.
"""

from collections.abc import Callable, Collection

from telegram import Chat
from telegram import Message as TelegramMessage

from bot.clock import Clock
from bot.model import Entry, SameStory, Subscription
from bot.outbox.ties import links_of
from bot.storage import hand_posts
from bot.storage.database import Database
from bot.text import language

#: The first line stands for a title where it is not longer.
TITLE_CHARS = 200


def entry_of(post: TelegramMessage) -> Entry | None:
    """What a post of a channel says; None where it says nothing in words."""
    text = post.text or post.caption
    if not text:
        return None
    html = post.text_html_urled if post.text else post.caption_html_urled
    first = text.strip().split("\n")[0].strip()
    paragraphs = (paragraph.replace("\n", "<br>") for paragraph in html.split("\n\n"))
    return Entry(
        guid=f"tg-{str(post.chat_id).removeprefix('-100')}-{post.message_id}",  # as in Telegram's exports
        title=first if len(first) <= TITLE_CHARS else None,
        link=post.link,
        published=post.date,
        updated=post.edit_date,
        author=post.author_signature,
        language=language.detect(first, text, None),
        content="".join(f"<p>{paragraph}</p>" for paragraph in paragraphs),
    )


class HandPosts:
    """Keeps them for the channels that *routes* lead to, as feeds.yaml has them now."""

    def __init__(
        self, database: Database, bot_id: int, clock: Clock, routes: Callable[[], Collection[Subscription]]
    ) -> None:
        self._database, self._bot_id, self._clock, self._routes = database, bot_id, clock, routes

    async def note(self, post: TelegramMessage) -> None:
        """Keep a post of a channel, new or edited."""
        entry = entry_of(post)
        if entry is None:
            return
        here = [route for route in self._routes() if route.channel.same_story is not SameStory.OFF]
        await self._database.write(
            hand_posts.keep,
            self._bot_id,
            post.chat_id,
            post.chat.title or "",
            entry,
            links_of(entry),
            self._clock.now(),
            self._of_chat(here, post.chat),
        )

    @staticmethod
    def _of_chat(routes: Collection[Subscription], chat: Chat) -> list[int]:
        names = {str(chat.id), f"@{chat.username}".lower()}
        return [route.id for route in routes if route.channel.chat.lower() in names]
