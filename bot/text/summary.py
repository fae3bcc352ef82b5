"""A few sentences that say what a post is about.

The publisher's own summary where it is one, else sentences picked from the text: the first one, and those that the
others, the title and their place speak for (persian.md 5.2). Pure Python and deterministic: equal scores go by place,
no hash order enters. Adds no word of its own but the ellipsis of a cut.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from bot.model import SummaryOptions
from bot.text import markup, persian, ranking
from bot.text.cutting import grapheme_start
from bot.text.richtext import ELLIPSIS, RichText
from bot.text.sentences import FULL_WIDTH, is_sentence
from bot.text.sentences import split_sentences as split_sentences

_FEW_SENTENCES = 4  #: fewer, or a shorter text, and there is nothing to pick
_SHORT_TEXT = 350
_MOST_SENTENCES = 200  #: later ones are not read: a book is not summarised by its index

_LETTER = re.compile(r"[^\W_]")
_SHORT_LINE = 80  #: characters
_ASIDE = re.compile(r"[(\[][^()\[\]]*[)\]][.!]?")  #: (Photo: an agency)
_LEADS_ON = ":,;\u060c\u061b\uff1a\uff0c\uff1b\u3001"  #: a greeting ends so, and the words above a list

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_PERSIAN_MONTH = "(?:فروردین|اردیبهشت|خرداد|تیر|مرداد|شهریور|مهر|آبان|آذر|دی|بهمن|اسفند)"
_DATELINE = re.compile(
    rf"(?:(?:[^\W\d_][\w.'\u2019 \u200c-]{{1,30}},\s*){{0,3}}"
    rf"(?:{_MONTH}\s+\d{{1,2}}|\d{{1,2}}\s+{_MONTH})(?:,?\s+\d{{4}})?"
    rf"|(?:[^\W\d_][\w \u200c]{{1,25}}[\u060c,]\s*)?\d{{1,2}}\s+{_PERSIAN_MONTH}(?:\s+\d{{4}})?"
    r"|[^\W\d_][\w.,'\u2019 \u200c\u060c-]{0,40}\([^()]{2,25}\)"
    r")\s*(?:[-\u2013\u2014]{1,2}|:)\s+"
    r"|[A-Z][A-Z.' ]{2,30}(?:,\s+[A-Z][\w.]+)?\s*[-\u2013\u2014]{1,2}\s+(?=[\"\u201c]?[A-Z])"
)


def summarise(paragraphs: Sequence[str], *, title: str | None, sentences: int = 3, max_chars: int = 600) -> list[str]:
    """At most so many sentences of the paragraphs, in their order, together within ``max_chars``."""
    found = _sentences(paragraphs, title)
    if not found or sentences < 1 or max_chars < 1:
        return []
    if len(found) < _FEW_SENTENCES or sum(map(len, found)) < _SHORT_TEXT:
        return _first(found, sentences, max_chars)
    chosen = ranking.pick(found, title, sentences, max_chars)
    return [found[index] for index in chosen] or _first(found, sentences, max_chars)


def leading(paragraphs: Sequence[str], *, title: str | None, sentences: int = 3, max_chars: int = 600) -> list[str]:
    """The first sentences, by the same filters and within the same limits."""
    found = _sentences(paragraphs, title)
    return _first(found, sentences, max_chars) if found else []


def _sentences(paragraphs: Sequence[str], title: str | None) -> list[str]:
    title_key = persian.key_fold(title or "")
    longest_title = 2 * len(title or "")  # with its marks and spaces
    found: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        text = " ".join(paragraph.split())
        if number == 0:
            text = _without_dateline(text)
        for sentence in split_sentences(text):
            if not _LETTER.search(sentence) or sentence[-1] in _LEADS_ON:
                continue
            if sentence[0] in "([" and _ASIDE.fullmatch(sentence):
                continue
            if len(sentence) > longest_title or not _repeats(persian.key_fold(sentence), title_key):
                found.append(sentence)
        if len(found) >= _MOST_SENTENCES:
            break
    # Lines that do not end as sentences do are labels and items, where the text is mostly sentences.
    whole = [sentence for sentence in found if len(sentence) > _SHORT_LINE or is_sentence(sentence)]
    if 2 * sum(map(len, whole)) <= sum(map(len, found)):
        # A long list with some words above it: those say what it is.
        ended = [sentence for sentence in found if is_sentence(sentence)]
        whole = ended if len(ended) >= _FEW_SENTENCES else found
    return whole[:_MOST_SENTENCES]


def _repeats(said: str, title: str) -> bool:
    """Whether the title says it, too: it may have a date or a number in front."""
    return said == title or (len(said) >= _LONG_TITLE and said in title)


def _without_dateline(text: str) -> str:
    dateline = _DATELINE.match(text)
    return text[dateline.end() :] if dateline else text


def _first(found: Sequence[str], count: int, max_chars: int) -> list[str]:
    taken: list[str] = []
    room = max_chars
    for sentence in found[:count]:
        if len(sentence) > room:
            break
        taken.append(sentence)
        room -= len(sentence) + 1
    return taken or [_shortened(found[0], max_chars)]


def _shortened(sentence: str, max_chars: int) -> str:
    if len(sentence) <= max_chars:
        return sentence
    end = max_chars - 1
    if sentence[end].isspace() or ranking.WITHOUT_SPACES.match(sentence, end) or " " not in sentence[:end]:
        end = grapheme_start(sentence, end)
    else:
        end = sentence.rindex(" ", 0, end)
    return sentence[:end].rstrip(" ,;:\u060c\u061b\uff0c\u3001-\u2013\u2014(\u00ab\u201c\"'") + ELLIPSIS


# --- the publisher's or ours --------------------------------------------------------------------------------

_MORE = re.compile(
    r"\s*(?:\[?\(?(?:\u2026|\.\.\.)\)?\]?\s*)?"
    r"(?:(?:read|continue|see|view|learn)\s+(?:more|reading|full|the (?:full|rest))"
    r"[^.!?]{0,80}|\(?more\.{3}\)?|ادامه\s*(?:ی\s*)?مطلب\S*|(?:بیشتر|ادامه) بخوانید\S*)\s*[\u2192\u00bb>.\u2026]*\s*$",
    re.IGNORECASE,
)
_MORE_WORDS = ("more", "reading", "full", "rest", "مطلب", "بخوانید")  #: one of them is in it
_LONGEST_MORE = 120  #: characters: nothing longer is an invitation
_BOILERPLATE = re.compile(
    r"(?:(?:article|comments?) url|points|# comments)\s*:.*|the post .{1,300} (?:appeared first|first appeared) on .*|"
    r"submitted by\s+/?u/.*|(?:comments?|link|permalink|read more|more|نظرات|نظرها|لینک|پیوند|ادامه)\W*",
    re.IGNORECASE,
)
_LONG_TITLE = 20  #: letters: a shorter one may stand in any sentence
_SIGNATURE = 60  #: letters or characters besides the title
_LONGEST_DEK = 200  #: letters: what is longer and stands in the content is an excerpt of it
_ITEM_MARKER = re.compile(r"(?:[\u2022\u25e6]|-?\d+\.) ")
_TRUNCATION = re.compile(r"\s*(?:\[\s*(?:\u2026|\.{3})\s*\]|\u2026|\.{3})\s*$")


@lru_cache(maxsize=64)  # a post goes to many chats, one after another
def choose(own_summary_html: str | None, content_html: str | None, title: str | None, options: SummaryOptions) -> str:
    """The summary as plain text: the publisher's own where it is a real one, else sentences of the content.

    Empty where there is nothing to say beyond the title.
    """
    own, content = paragraphs(own_summary_html, title), paragraphs(content_html, title)
    is_own = bool(content) and is_real(own, content, title)
    told = (leading if is_own else summarise)(
        own if is_own else content or own, title=title, sentences=options.sentences, max_chars=options.max_chars
    )
    return "".join(f"{sentence}{_gap(sentence)}" for sentence in told).rstrip()


def _gap(sentence: str) -> str:
    """What stands behind it: an item of a list, which ends in no mark, has a line of its own."""
    if sentence[-1] in FULL_WIDTH:
        return ""
    return " " if is_sentence(sentence) else "\n"


def paragraphs(html: str | None, title: str | None) -> list[str]:
    """What of the text can be told: no markers of lists, no boilerplate, no rows of links."""
    found: list[str] = []
    for block in markup.blocks(html or "", words_only=True):
        if block.kind not in ("paragraph", "item", "quote") or _is_navigation(block.rich, title):
            continue
        text = persian.strip_controls(block.rich.text)
        if "\n" in text:
            text = text.replace("\n\n", "\v").replace("\n", " ").replace("\v", "\n")
        if block.kind == "item":
            text = _ITEM_MARKER.sub("", text)
        lines = (_without_more(line).strip() for line in text.split("\n"))
        found += (line for line in lines if _LETTER.search(line) and not _BOILERPLATE.fullmatch(line))
    if found and _TRUNCATION.search(found[-1]):
        found[-1] = _without_torn_end(found[-1])
    return found[:-1] if len(found) > 1 and _is_signature(found[-1], title or "") else found


def _without_more(line: str) -> str:
    start = max(0, len(line) - _LONGEST_MORE)
    tail = line[start:].lower()
    for word in _MORE_WORDS:
        if word in tail:
            more = _MORE.search(line, start)
            return line[: more.start()] if more else line
    return line


def _without_torn_end(paragraph: str) -> str:
    """A paragraph the publisher cut off, without the sentence that was hit, where others stand before it."""
    whole, torn = split_sentences(paragraph)[:-1], split_sentences(paragraph)[-1]
    return " ".join(whole) if whole else _TRUNCATION.sub("", torn).rstrip() + ELLIPSIS


def _is_signature(line: str, title: str) -> bool:
    """Whether it says hardly more than the title, as what publishers put below a text does, in any language."""
    said, last = persian.key_fold(title), persian.key_fold(line)
    return len(said) >= _LONG_TITLE and said in last and len(last) - len(said) <= _SIGNATURE


def _is_navigation(rich: RichText, title: str | None) -> bool:
    """Whether it is little more than links: 'Comments', a row of labels, 'The post ... appeared first on ...'."""
    spans = [span for span in rich.spans if span.type == "text_link"]
    links = [span.end - span.start for span in spans]
    if title and len(rich) < sum(links) + _SIGNATURE and title in (rich.text[span.start : span.end] for span in spans):
        return True
    if not links or sum(links) < 0.9 * len(rich.text.strip(" \n.[]()|\u00b7\u2022")):
        return False
    return len(rich) < _SHORT_LINE or sum(links) / len(links) < _SHORT_LINE / 2


def is_real(own: Sequence[str], content: Sequence[str], title: str | None) -> bool:
    """Whether somebody wrote it as a summary: not the title, nor how the content begins, nor a long piece of it."""
    text = persian.key_fold(_TRUNCATION.sub("", " ".join(own)))
    if not text or text == persian.key_fold(_TRUNCATION.sub("", title or "")):
        return False
    place = persian.key_fold(" ".join(content)).find(text)
    return place < 0 or (place > 0 and len(text) <= _LONGEST_DEK)
