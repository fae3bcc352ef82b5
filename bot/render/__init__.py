"""(5) A post and a subscription become the messages that Telegram gets. Pure: no clock, no I/O, no settings.

A template (``templates.py``: Jinja2, sandboxed) puts the values of a post (``values.py``) into lines; its output is
parsed once, by ``text/markup.py``, into text + entities, so that no template and no feed can produce markup that
Telegram refuses. Empty lines vanish and direction marks are set at the end (``lines.py``); what is too long then is
made again with less of the post's text, or parted (``length.py``).
"""

from dataclasses import replace
from datetime import date

from bot.model import Message, Post, Subscription
from bot.render.content import Content
from bot.render.length import fitted
from bot.render.lines import MESSAGE_LIMIT as MESSAGE_LIMIT
from bot.render.lines import as_body as as_body
from bot.render.lines import furniture as furniture
from bot.render.lines import lay_out as lay_out
from bot.render.lines import message_of, set_lines
from bot.render.templates import FILLING_ERRORS, compiled
from bot.render.templates import TEMPLATES as TEMPLATES
from bot.render.templates import TemplateProblem as TemplateProblem
from bot.render.templates import check_template as check_template
from bot.render.values import is_old, values
from bot.text.richtext import RichText


def render(
    post: Post, subscription: Subscription, *, replayed_on: date | None = None, limit_utf16: int = MESSAGE_LIMIT
) -> list[Message]:
    """Make the messages of one delivery, each within the limit; none when the post has nothing to show.

    ``replayed_on`` is the day on which an old post is brought back for its anniversary.
    """
    channel = subscription.channel
    silent = channel.silent or is_old(post, subscription.feed)
    try:
        parts = _fill_in(
            subscription.template_text or TEMPLATES[channel.template], post, subscription, replayed_on, limit_utf16
        )
    except FILLING_ERRORS:
        # It was good for the examples and is not for this post: better in another layout than not at all.
        parts = _fill_in(TEMPLATES["default"], post, subscription, replayed_on, limit_utf16)
    return [
        replace(message_of(part), silent=silent, thread=channel.thread, is_paid=channel.paid_broadcast)
        for part in parts
        if part
    ]


def _fill_in(
    text: str, post: Post, subscription: Subscription, replayed_on: date | None, limit_utf16: int
) -> list[RichText]:
    template = compiled(text)
    made = values(post, subscription, template.names, replayed_on=replayed_on)
    own_text = next((name for name in ("content", "summary") if name in template.names), None)

    def lay_out_with(text: Content) -> RichText:
        filled = template.jinja.render(made if own_text is None else made | {own_text: text})
        return set_lines(filled, subscription.channel.language)

    return fitted(lay_out_with, made[own_text] if own_text else Content(), subscription.channel, limit_utf16)
