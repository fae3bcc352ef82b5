"""Whatever HTML a feed sends: the text and the entities that we mean, and never a message that Telegram refuses.

Every case goes through all templates, languages and lengths; TDLib is the oracle.
"""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Length, Message
from bot.render import TEMPLATES, render
from bot.text.richtext import utf16_length
from tests.builders import a_channel, a_post, a_subscription, an_entry
from tests.nasty_html import CASES
from tests.readable import readable
from tests.tdlib import accepted, live

LINK = "https://g.example/posts/1"
#: What Telegram may find by itself in words of others: nothing that does something here.
HARMLESS = {"Url", "EmailAddress", "PhoneNumber", "BankCardNumber", "MediaTimestamp"}


def messages(html: str, **channel: Any) -> list[Message]:
    text = channel.pop("text", "")
    route = a_channel(**{"source": True, "footer": "sky", **channel})
    subscription = a_subscription(channel=route, **({"template_text": text} if text else {}))
    return render(a_post(an_entry(title="T", link=LINK, content=html, language=None, tags=())), subscription)


def check(found: list[Message]) -> None:
    """Within the limits, not empty, taken as it is, nothing live."""
    assert found
    for message in found:
        assert 0 < utf16_length(message.text) <= 4096
        assert len(message.entities) <= 100
        assert accepted(message.text, message.entities) == (message.text, message.entities)
        assert {kind for kind, _ in live(message.text, message.entities)} <= HARMLESS


def check_everywhere(html: str) -> None:
    for language in ("fa", "en"):
        for template in TEMPLATES:
            check(messages(html, language=language, template=template))


@pytest.mark.parametrize(("html", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_html_becomes_the_text_and_the_entities_that_we_mean(html: str, expected: str) -> None:
    found = messages(html, language="en", length=Length.CUT, text="{{ content }}")
    assert "".join(map(readable, found)) == expected
    check_everywhere(html)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 150
    assert len({name for name, _, _ in CASES}) == len(CASES)


HUGE = {
    "divs": ("<div>" * 10_000 + "moon", "moon"),
    "styles": ("<b><i><u>" * 5_000 + "moon", "moon"),
    "quotes": ("<blockquote>" * 10_000 + "moon", "moon"),
    "lists": ("<ul><li>moon" * 10_000, "moon"),
    "tables": ("<table><tr><td>moon" * 10_000, "moon"),
    "spans-that-are-closed": ("<span>" * 10_000 + "moon" + "</span>" * 10_000, "moon"),
    "links": ("<a href='https://g.example/'>moon</a> " * 10_000, "moon moon"),
    "lines": ("moon<br>" * 50_000, "moon\nmoon"),
    "rows": ("<table>" + "<tr><td>moon<td>new" * 1_000 + "</table>", "moon  new"),
    "five-megabytes-of-text": ("<p>The moon is full. </p>" * 220_000, "The moon is full."),
    "five-megabytes-of-a-picture": (f"<img src='data:image/png;base64,{'A' * 5_000_000}'><p>moon</p>", "moon"),
    "five-megabytes-of-script": (f"<p>moon</p><script>{'x=1;' * 1_250_000}</script>", "moon"),
    "a-megabyte-of-one-word": ("moon" * 250_000, "moonmoon"),
    "a-megabyte-of-hashtags": ("#moon /start @sara " * 55_000, "moon"),
    "a-megabyte-of-persian": ("<p>ماه کامل است؛ آسمان صاف است. </p>" * 30_000, "ماه کامل است؛"),
    "a-megabyte-of-isolates": ("<p>" + "\u2066moon \u2069" * 150_000, "moon moon"),
    "emoji": ("👩\u200d🚀" * 30_000, "👩\u200d🚀"),
    "combining-marks": ("m" + "\u0301" * 200_000, "m\u0301"),
    "a-megabyte-of-angles": ("<" * 1_000_000, "<<<"),
}


@pytest.mark.parametrize(("html", "expected"), HUGE.values(), ids=HUGE)
def test_what_is_deep_or_huge_costs_little_and_is_cut(html: str, expected: str, whole_corpus: bool) -> None:
    for length in Length if whole_corpus else (Length.QUOTE,):
        began = time.process_time()
        found = messages(html, template="full", length=length)
        assert time.process_time() - began < 3
        assert len(found) <= 10
        assert any(expected in message.text for message in found)
        check(found)


_TAGS = (
    *("p", "b", "i", "u", "s", "code", "pre", "a", "blockquote", "ul", "ol", "li", "table", "tr", "td", "th", "h2"),
    *("div", "span", "sup", "q", "figcaption", "caption", "hr", "br", "img", "dl", "dd"),
)
_WORDS = [
    "moon",
    "ماه",
    "می‌روم",
    " ",
    "\n",
    "@sara",
    "#tag",
    "/stop",
    "&lt;b&gt;",
    "&#x202E;",
    "\u2067",
    "😀",
    "a.",
    "؟",
    "1",
]
_ATTRIBUTES = [
    "",
    " hidden",
    " href='https://g.example/x'",
    " href='/y'",
    " class='language-c'",
    " alt='🌙'",
    " start='5'",
]


@st.composite
def _elements(draw: st.DrawFn, children: st.SearchStrategy[str]) -> str:
    name = draw(st.sampled_from(_TAGS))
    inside = "".join(draw(st.lists(children, max_size=4)))
    return f"<{name}{draw(st.sampled_from(_ATTRIBUTES))}>{inside}" + draw(
        st.sampled_from([f"</{name}>", f"</{name}>", ""])
    )


TREES = st.recursive(st.lists(st.sampled_from(_WORDS), max_size=4).map("".join), _elements, max_leaves=25)


@settings(max_examples=30)
@given(html=TREES, language=st.sampled_from(["fa", "en"]), length=st.sampled_from(Length))
def test_any_tree_of_elements_is_taken_as_it_is(html: str, language: str, length: Length) -> None:
    check(messages(html * 20, language=language, length=length, template="full"))
