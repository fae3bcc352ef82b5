"""(5) A post and a subscription become the messages that Telegram gets. Pure: no clock, no I/O, no settings.

A template (``templates.py``: Jinja2, sandboxed) puts the values of a post (``values.py``) into lines; its output is
parsed once, by ``text/markup.py``, into text + entities, so that no template and no feed can produce markup that
Telegram refuses. Empty lines vanish and direction marks are set at the end (``lines.py``).
"""

from dataclasses import replace
from datetime import date

from bot.model import Message, Post, Subscription
from bot.render.lines import MESSAGE_LIMIT as MESSAGE_LIMIT
from bot.render.lines import as_body as as_body
from bot.render.lines import furniture as furniture
from bot.render.lines import lay_out as lay_out
from bot.render.templates import TEMPLATES as TEMPLATES
from bot.render.templates import TemplateProblem as TemplateProblem
from bot.render.templates import check_template as check_template
from bot.render.templates import compiled
from bot.render.values import is_old, values


def render(post: Post, subscription: Subscription, *, replayed_on: date | None = None) -> list[Message]:
    """Make the messages of one delivery; none when the post has nothing to show.

    ``replayed_on`` is the day on which an old post is brought back for its anniversary.
    """
    channel = subscription.channel
    template = compiled(subscription.template_text or TEMPLATES[channel.template])
    message = lay_out(template.render(values(post, subscription, replayed_on)), channel.language)
    if not message.text:
        return []
    return [
        replace(
            message,
            silent=channel.silent or is_old(post, subscription.feed),
            thread=channel.thread,
        )
    ]
