"""The layouts that ship and those of the operator: Jinja2, sandboxed, with what a layout needs and no more.

``check_template`` finds every mistake while feeds.yaml is read, so that none is left for a post to find.
"""

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from bot.model import Channel, Entry, Feed, FeedKind, Post, Subscription
from bot.render.filters import FILTERS, join
from bot.render.lines import EMPTY_MARK, END, FILLED
from bot.render.values import NAMES, Label, values

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
{{ occasion }}{{ published | date('compact') }} · {{ source }}
""",
    "full": """\
<b>{{ title | link }}</b>
{{ t('By') }} {{ author }}
{{ occasion }}{{ published }}

{{ content }}

{{ t('Source') }}: {{ source }}
{{ hashtags }}
{{ footer }}
""",
}
#: Of Jinja's own filters, those that a layout needs; its list grows with its versions.
JINJA_FILTERS = ("default", "trim")
#: What filling in a template may raise, by what its writer wrote.
FILLING_ERRORS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True)
class Template:
    """A template, and which names of ``values.py`` it puts out."""

    jinja: JinjaTemplate
    names: frozenset[str]


@cache
def compiled(text: str) -> Template:
    """Made once of each text."""
    environment = _environment()
    return Template(environment.from_string(text), frozenset(meta.find_undeclared_variables(environment.parse(text))))


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
        for example in _examples():
            environment.from_string(text).render(values(*example))
    except TemplateSyntaxError as error:
        return [TemplateProblem(error.lineno, f"{(error.message or 'syntax error').rstrip('.')}; correct it")]
    except FILLING_ERRORS as error:
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


def _examples() -> Iterator[tuple[Post, Subscription]]:
    """A post that has everything, and one that has nothing: a template must be good for both."""
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    full = Entry(
        title="A full moon",
        link="https://example.org/moon",
        published=at,
        author="Sara",
        content='<p data-event-date="2026-11-22">It is full.</p>',
        tags=("sky",),
    )
    feed = Feed("sky", FeedKind.ARCHIVE, "sky.txt")
    for entry, channel in (
        (full, Channel("main", "@example", source=True, footer="@example")),
        (Entry(), Channel("main", "@example", date="none")),
    ):
        yield Post(1, 1, "1", entry, at), Subscription(feed, channel)


class _Environment(ImmutableSandboxedEnvironment):
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Records of ours are no business of a template: a feed's headers may be passwords."""
        return not type(obj).__module__.startswith("bot.") and super().is_safe_attribute(obj, attr, value)


@cache
def _environment() -> _Environment:
    environment = _Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_note_value, keep_trailing_newline=False
    )
    environment.filters = {name: environment.filters[name] for name in JINJA_FILTERS} | FILTERS
    environment.globals = {}
    return environment


def _note_value(value: Any) -> Any:
    """Leave signs round each value that a template puts out, so that empty lines can be told."""
    if isinstance(value, Label):
        return value
    shown = join(value, " ") if isinstance(value, list) else escape(value)
    return Markup(f"{FILLED}{shown}{END}") if shown.strip() else EMPTY_MARK  # noqa: S704 (escaped above)
