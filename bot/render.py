"""(5) A post and a subscription become the messages that Telegram gets. Pure: no clock, no I/O, no settings.

A template (Jinja2, sandboxed) puts the values of a post into lines; its output is parsed once, by ``text/markup.py``,
into text + entities, so that no template and no feed can produce markup that Telegram refuses. Direction marks are set
line by line at the end: lines of text take their own direction, furniture the channel's (PRODUCT section 1, 3-4).
"""

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from bot import anniversary
from bot.labels import translator
from bot.model import (
    Channel,
    Entry,
    Feed,
    FeedKind,
    Language,
    LinkPreview,
    Media,
    Message,
    Post,
    Subscription,
    SummaryOptions,
)
from bot.text import dates, markup, persian, richtext, summary
from bot.text.richtext import RichText

#: Longest text of one message in UTF-16 code units (Bot API, sendMessage).
MESSAGE_LIMIT = 4096

#: The layouts that ship; PRODUCT section 3 shows what they give.
TEMPLATES = {
    "default": """\
<b>{{ title | link }}</b>
{{ occasion }}{{ date }}

{{ summary }}

{{ t('Source') }}: {{ source }}
{{ hashtags }}
{{ footer }}
""",
    "compact": """\
<b>{{ title | link }}</b>
{{ published | date('compact') }} · {{ source }}
""",
}
#: Of Jinja's filters, only what a layout needs; its own list grows with its versions.
FILTERS = ("default", "first", "join", "last", "length", "lower", "replace", "trim", "truncate", "upper")
#: Templates whose messages carry no link preview.
WITHOUT_PREVIEW = frozenset({"compact"})

#: Noncharacters (Unicode 23.7) say inside a rendering what a stretch is; input is cleaned of them.
_BODY = "\ufdd0"  #: at the start of a line of the post's own text
_FILLED = "\ufdd1"  #: a variable that had a value
_EMPTY = "\ufdd2"  #: a variable that had none
_BODY_MARK, _FILLED_MARK, _EMPTY_MARK = Markup("\ufdd0"), Markup("\ufdd1"), Markup("\ufdd2")

Direction = Literal["ltr", "rtl"]


def render(post: Post, subscription: Subscription, *, replayed_on: date | None = None) -> list[Message]:
    """Make the messages of one delivery; none when the post has nothing to show.

    ``replayed_on`` is the day on which an old post is brought back for its anniversary.
    """
    channel = subscription.channel
    template = _compile(subscription.template_text or TEMPLATES[channel.template])
    message = lay_out(template.render(_values(post, subscription, replayed_on)), channel.language)
    if not message.text:
        return []
    return [
        replace(
            message,
            link_preview=_link_preview(post.entry, channel),
            silent=channel.silent or _is_old(post, subscription.feed),
            thread=channel.thread,
        )
    ]


def lay_out(html: str, language: Language) -> Message:
    """Make one message of the output of a template of ours: line breaks are literal, lines get their direction."""
    rich = markup.parse("\n".join(_filled_lines(html)))
    rich = richtext.telegram_clean(_directed(rich, direction_of(language)))
    rich = richtext.cut(rich, MESSAGE_LIMIT)
    return Message(rich.text, richtext.entities(rich))


def direction_of(language: Language) -> Direction:
    """Where a language's lines begin."""
    return "rtl" if language == "fa" else "ltr"


def _is_old(post: Post, feed: Feed) -> bool:
    """Old posts say so, and come without sound (PRODUCT 1.7)."""
    return post.is_old or feed.kind is FeedKind.ARCHIVE


# --- values --------------------------------------------------------------------------------------------------


def _values(post: Post, subscription: Subscription, replayed_on: date | None = None) -> dict[str, Any]:
    """What a template may name."""
    entry, channel = post.entry, subscription.channel
    t = translator(channel.language)
    title, words = _title_and_summary(entry, channel)
    published = _Published(post, subscription)
    return {
        "title": _linked(_body(title, entry.language), entry.link),
        "link": entry.link or "",
        "occasion": _occasion(post, subscription, replayed_on),
        "date": published.form(channel.date),
        "published": published,
        "summary": _body(words, entry.language),
        "author": furniture(entry.author or ""),
        "source": _source(post, subscription),
        "hashtags": _hashtags(entry, subscription),
        "footer": Markup(_isolated_sigils(str(escape(channel.footer)), direction_of(channel.language))),  # noqa: S704 (escaped)
        "t": lambda message: _Label(t(message)),
    }


def _occasion(post: Post, subscription: Subscription, replayed_on: date | None) -> str:
    """Why an old post comes now."""
    t = translator(subscription.channel.language)
    if replayed_on is not None:
        posted = post.effective_at.astimezone(ZoneInfo(subscription.home_timezone)).date()
        years = anniversary.years_ago(posted, replayed_on)
        if years == 1:
            return t("On this day, a year ago") + " · "
        if years:
            shown = str(years) if subscription.channel.language != "fa" else persian.to_persian_digits(str(years))
            return t("On this day, {years} years ago", years=shown) + " · "
    return t("From the archive") + " · " if _is_old(post, subscription.feed) else ""


#: For checking templates without a post.
NAMES = frozenset(
    {"title", "link", "occasion", "date", "published", "summary", "author", "source", "hashtags", "footer", "t"}
)


class _Label(Markup):
    """Words of the template itself: a line of nothing else has no value in it."""


class _Linked(Markup):
    """A title that knows where it leads; to every filter but ``link`` it is text."""

    leads_to: str | None

    def linked(self) -> Markup:
        if not self.leads_to or not self:
            return self
        start = _BODY if self.startswith(_BODY) else ""
        return Markup('{}<a href="{}">{}</a>').format(start, self.leads_to, Markup(self[len(start) :]))  # noqa: S704 (escaped by _body)


def _linked(title: Markup, link: str | None) -> _Linked:
    value = _Linked(title)
    value.leads_to = link
    return value


@dataclass(frozen=True, slots=True)
class _Published:
    """The post's date, in whatever form the template asks for."""

    post: Post
    subscription: Subscription

    def __str__(self) -> str:
        return self.form(self.subscription.channel.date)

    def form(self, form: str) -> Markup:
        channel, entry = self.subscription.channel, self.post.entry
        style = dates.DateStyle(
            language=channel.language,
            calendars=channel.calendars,
            months=channel.months,
            digits=channel.digits,
            form=form,
            lunar_offset=channel.lunar_offset,
        )
        # A civil day is that day everywhere: it is not moved to the channel's zone.
        zone = ZoneInfo(self.subscription.home_timezone if entry.date_only else channel.timezone)
        shown = escape(dates.format_date(self.post.effective_at, zone, style, date_only=entry.date_only))
        if not channel.local_time or entry.date_only or not shown:
            return shown
        # Long date and short time of the reader's own zone; clients that do not know it show our text.
        moment = int(self.post.effective_at.timestamp())
        return Markup('<tg-time unix="{}" format="Dt">{}</tg-time>').format(moment, shown)


def _title_and_summary(entry: Entry, channel: Channel) -> tuple[str, str]:
    """Without a title, the first sentence stands for it and is not said twice."""
    options = channel.summary
    words = summary.choose(entry.summary, entry.fullest, entry.title, options) if options else ""
    if entry.title:
        return entry.title, words
    sentences = summary.choose(entry.summary, entry.fullest, None, options or SummaryOptions())
    first, *rest = summary.split_sentences(sentences) or [""]
    return first, " ".join(rest) if options else ""


def _body(text: str, language: str | None) -> Markup:
    """The post's own words: shown as written, live in nothing, each line marked as text."""
    shown = markup.neutralise(persian.display(persian.strip_controls(text), language)).strip()
    return Markup("\n").join(_BODY_MARK + line for line in shown.split("\n")) if shown else Markup()


def as_body(html: Markup) -> Markup:
    """A line of a post's own words, already safe: it takes the direction that they have."""
    return _BODY_MARK + html


def furniture(text: str) -> Markup:
    """A name or title of unknown direction inside a line of ours: isolated, and live in nothing."""
    shown = markup.neutralise(persian.strip_controls(text)).strip()
    return Markup(persian.isolate(str(escape(shown)), None)) if shown else Markup()  # noqa: S704 (escaped)


def _source(post: Post, subscription: Subscription) -> Markup:
    name = subscription.feed.title or post.feed_title or subscription.feed.name
    return furniture(name) if subscription.channel.source else Markup()


def _hashtags(entry: Entry, subscription: Subscription) -> str:
    """At most the channel's number of the post's own, after the feed's fixed ones; each once."""
    direction = direction_of(subscription.channel.language)
    own = list(entry.tags)[: 10 * (subscription.channel.hashtags + 1)]
    own_left = subscription.channel.hashtags
    found: dict[str, str] = {}
    for index, word in enumerate([*subscription.hashtags, *own]):
        tag = persian.hashtag(_in_language(word, subscription.tags, direction))
        if not tag or persian.key_fold(tag) in found:
            continue
        if index >= len(subscription.hashtags):  # one of the post's own
            if own_left == 0:
                break
            own_left -= 1
        found[persian.key_fold(tag)] = tag
    return " ".join(_isolated_sigils(tag, direction) for tag in found.values())


def _in_language(word: str, pairs: Any, direction: Direction) -> str:
    """One taxonomy for two languages: of a pair, the side that reads in the channel's direction."""
    key = persian.key_fold(word)
    for pair in pairs.items():
        if key in (persian.key_fold(pair[0]), persian.key_fold(pair[1])):
            return next((side for side in pair if persian.dominant_direction(side) == direction), word)
    return word


_SIGIL = re.compile(r"(?<!\S)[#@/]\w[\w\u200c]*")


def _isolated_sigils(text: str, direction: Direction) -> str:
    """Hashtags, handles and commands of the other direction are isolated; they stay live inside (PRODUCT 1.4)."""

    def isolated(found: re.Match[str]) -> str:
        own = persian.dominant_direction(found[0])
        return found[0] if own in (None, direction) else persian.isolate(found[0], own)

    return _SIGIL.sub(isolated, text)


def _link_preview(entry: Entry, channel: Channel) -> LinkPreview:
    """The post's picture, large and above the text; without one, no preview."""
    if channel.media is Media.NONE or channel.template in WITHOUT_PREVIEW:
        return LinkPreview()
    image = picture(entry)
    return LinkPreview(image, prefer_large_media=True, show_above_text=True) if image else LinkPreview()


def picture(entry: Entry) -> str | None:
    """The address of the post's picture: an enclosure's, else the first of its text."""
    for enclosure in entry.enclosures:
        if enclosure.type.startswith("image/"):
            return enclosure.url
    return next(iter(markup.images(entry.fullest or entry.summary or "", base_url=entry.link)), None)


# --- lines ---------------------------------------------------------------------------------------------------


def _filled_lines(laid_out: str) -> Iterator[str]:
    """Drop lines whose variables are all empty, runs of blank lines, and separators with nothing beside them."""
    blank = True
    for line in laid_out.split("\n"):
        if _EMPTY in line and _FILLED not in line:
            continue
        shown = re.sub(f"[{_FILLED}{_EMPTY}]", "", line)
        shown = re.sub(r"^(?:\s*·\s+)+|(?:\s+·\s*)+$", "", shown).rstrip()
        if shown or not blank:
            yield shown
        blank = not shown


def _directed(rich: RichText, direction: Direction) -> RichText:
    """Set the mark of each line that needs one. From the last line up, so that earlier indexes stay true."""
    start = len(rich.text)
    for line in reversed(rich.text.split("\n")):
        start -= len(line)
        rich = _with_direction(rich, start, line, direction)
        start -= 1
    return rich


def _with_direction(rich: RichText, start: int, line: str, direction: Direction) -> RichText:
    is_code = any(span.type == "pre" and span.start <= start < span.end for span in rich.spans)
    if _BODY in line or is_code:
        bare = line.replace(_BODY, "")
        own = None if is_code else persian.dominant_direction(bare)
        mark = persian.MARKS[own] if own and persian.first_strong(bare) != own else ""
    else:
        bare = line.translate(_NO_MARKS)
        mark = _furniture_mark(line, bare, direction)
    for index in reversed(range(len(line))):
        if line[index] == _BODY or (not is_code and _BODY not in line and ord(line[index]) in _NO_MARKS):
            rich = _deleted(rich, start + index)
    return _inserted(rich, start, mark) if mark else rich


_NO_MARKS = dict.fromkeys(map(ord, persian.MARKS.values()))


def _furniture_mark(line: str, bare: str, direction: Direction) -> str:
    """The one mark a line of ours begins with: a date brings its own, others where they begin the wrong way."""
    if not bare or line[0] in persian.MARKS.values():
        return line[:1] if bare else ""
    # In a Persian line a leading "#" or "@" would hang at the wrong end even where the first letter is Persian.
    strong = persian.first_strong(bare[:1] if direction == "rtl" else bare)
    return "" if strong == direction else persian.MARKS[direction]


def _deleted(rich: RichText, index: int) -> RichText:
    spans = (
        replace(span, start=span.start - (span.start > index), end=span.end - (span.end > index)) for span in rich.spans
    )
    return RichText(rich.text[:index] + rich.text[index + 1 :], tuple(span for span in spans if span.start < span.end))


def _inserted(rich: RichText, index: int, mark: str) -> RichText:
    """A mark stays outside of links and styles, but inside of a quote: before it, it would be a line of its own."""
    quotes = {position for position, span in enumerate(rich.spans) if "quote" in span.type and span.start == index}
    wider = rich.insert(index, mark)
    spans = (replace(span, start=index) if position in quotes else span for position, span in enumerate(wider.spans))
    return RichText(wider.text, tuple(spans))


# --- templates -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """A mistake in a template; ``line`` counts from 1."""

    line: int
    message: str


def check_template(text: str) -> list[TemplateProblem]:
    """Find what is wrong with a template, without a post."""
    environment = _environment()
    try:
        unknown = meta.find_undeclared_variables(environment.parse(text)) - NAMES
        if unknown:
            return [
                TemplateProblem(_line_of(text, name), f"unknown name '{name}'; there is {', '.join(sorted(NAMES))}")
                for name in sorted(unknown)
            ]
        environment.from_string(text).render(_values(*_example()))
    except TemplateSyntaxError as error:
        return [TemplateProblem(error.lineno, f"{(error.message or 'syntax error').rstrip('.')}; correct it")]
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        # Jinja names classes of ours, which mean nothing to the writer of a template.
        said = re.sub(r"'[\w.]+ object'", "the value", str(error)).rstrip(".")
        return [TemplateProblem(_line_of_failure(error), f"cannot be filled in ({said}); correct it")]
    return []


def _line_of_failure(error: Exception) -> int:
    """The line of the template: Jinja gives its frames that file name."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return next((line for line in reversed(lines) if line), 1)


def _line_of(text: str, name: str) -> int:
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(rf"\b{re.escape(name)}\b", line):
            return number
    return 1


def _example() -> tuple[Post, Subscription]:
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    entry = Entry(
        title="A full moon", link="https://example.org/moon", published=at, content="<p>It is full.</p>", tags=("sky",)
    )
    feed = Feed("sky", FeedKind.HTTP, "https://example.org/feed.xml")
    return Post(1, 1, "1", entry, at), Subscription(feed, Channel("main", "@example", source=True, footer="@example"))


@cache
def _compile(text: str) -> Template:
    return _environment().from_string(text)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, finalize=_note_value, keep_trailing_newline=False
    )
    environment.filters = {name: environment.filters[name] for name in FILTERS} | {"link": _link, "date": _date}
    environment.globals = {}
    return environment


def _note_value(value: Any) -> Any:
    """Leave a sign beside each value that a template puts out, so that empty lines can be told."""
    if isinstance(value, _Label):
        return value
    shown = escape(value)
    return _FILLED_MARK + shown if shown.strip() else _EMPTY_MARK


def _link(value: Any) -> Any:
    return value.linked() if isinstance(value, _Linked) else value


def _date(value: Any, form: str = "full") -> Markup:
    if not isinstance(value, _Published):
        raise ValueError("the filter 'date' takes 'published'")
    return value.form(form)
