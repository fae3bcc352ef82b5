"""The layouts that ship and those of the operator: Jinja2, sandboxed, with what a layout needs and no more.

``check_template`` finds every mistake while feeds.yaml is read, so that none is left for a post to find.
"""

import re
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from bot.model import Channel, Entry, Feed, FeedKind, Post, Subscription
from bot.render.lines import EMPTY_MARK, FILLED_MARK
from bot.render.values import NAMES, Label, Linked, Published, values

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
        environment.from_string(text).render(values(*_example()))
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
def compiled(text: str) -> Template:
    """Jinja's form of a template, made once."""
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
    if isinstance(value, Label):
        return value
    shown = escape(value)
    return FILLED_MARK + shown if shown.strip() else EMPTY_MARK


def _link(value: Any) -> Any:
    return value.linked() if isinstance(value, Linked) else value


def _date(value: Any, form: str = "full") -> Markup:
    if not isinstance(value, Published):
        raise ValueError("the filter 'date' takes 'published'")
    return value.form(form)
