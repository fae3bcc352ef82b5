"""A few sentences that say what a post is about.

The publisher's own summary where it is one, else sentences picked from the text: the first one, and those that the
others, the title and their place speak for (persian.md 5.2). Pure Python and deterministic: equal scores go by place,
no hash order enters. Adds no word of its own but the ellipsis of a cut.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from bot.model import SummaryOptions
from bot.text import markup, persian
from bot.text.richtext import ELLIPSIS, RichText
from bot.text.sentences import sentence_ends
from bot.text.sentences import split_sentences as split_sentences

_FORCED_LENGTHS = range(40, 421)  #: of a first sentence that is always kept
_FEW_SENTENCES = 4  #: fewer, or a shorter text, and there is nothing to pick
_SHORT_TEXT = 350
_MOST_SENTENCES = 200  #: later ones are not read: the graph is quadratic
_DAMPING = 0.85
_ROUNDS = 40
_SETTLED = 0.001  #: of a sentence's even share: no rank moves by more
_RELEVANCE = 0.7  #: against repeating what is chosen already (MMR)
_LEAD_DECAY = 5

_SHORT_LINE = 80  #: characters
_LEADS_ON = ":,;\u060c\u061b"  #: a greeting ends so, and the words above a list

_STOP_LIST = """
    a about after again all also an and any are as at be because been before being between both but by can could did
    do does during each for from had has have he her here him his how i if in into is it its just more most my no nor
    not now of on one only or other our out over own said same she should so some such than that the their them then
    there these they this those through to too under until up very was we were what when where which while who whom
    why will with would you your
    از با به در بر برای تا را که و یا هم نیز این ان آن آنها انها او وی ما شما من تو ایشان است هست بود شد شده باشد
    باشند بودند شدند می نمی کند کنند کرد کردند کرده خود هر همه هیچ چه چرا چون اگر اما ولی پس بین پیش روی زیر دو یک
    های ها ای تر ترین همین همان چنین خواهد دارد دارند داشت داشته بی نه بلکه مگر جز مانند درباره باید شود شوند نیست
    وجود مورد طور گفت گفته وقتی سپس البته همچنین بسیار دیگر کنیم شاید"""
_STOP_WORDS = frozenset(_STOP_LIST.split())
_DANGLING_ENGLISH = re.compile(
    r"(?:however|but|and|or|so|therefore|thus|hence|meanwhile|moreover|furthermore|additionally|also|this|that|these|"
    r"those|he|she|they|it|his|her|their|its|such|then|instead|nevertheless|nonetheless|still|yet|besides|similarly|"
    r"likewise|consequently|accordingly|indeed|otherwise|finally|as a result|for (?:example|instance)|in (?:this|that|"
    r"addition|contrast|fact|other words|turn)|by contrast|on the (?:other hand|contrary)|at the same time|"
    r"of course|after (?:that|this)|the (?:former|latter))\b"
)
_DANGLING_PERSIAN = re.compile(
    "(?:و|یا|اما|ولی|همچنین|بنابراین|از این رو|ازاین رو|در این|در همین|در نتیجه|با این|به این|این|ان|آن|او|وی|آنها|"
    "آن ها|ایشان|همین|همان|چنین|چون|چرا که|زیرا|سپس|پس|البته|برای (?:نمونه|مثال)|از سوی دیگر|از طرفی|به همین|"
    "به عبارت|نیز|علاوه بر)(?: |$)"
)
_OPENING_MARKS = "(\"'\u2018\u201c\u201e\u00ab"

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
    chosen = _pick(found, title, sentences, max_chars)
    return [found[index] for index in chosen] or _first(found, sentences, max_chars)


def _sentences(paragraphs: Sequence[str], title: str | None) -> list[str]:
    title_key = persian.key_fold(title or "")
    found: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        text = " ".join(paragraph.split())
        if number == 0:
            text = _without_dateline(text)
        for sentence in split_sentences(text):
            if (key := persian.key_fold(sentence)) and key != title_key and sentence[-1] not in _LEADS_ON:
                found.append(sentence)
        if len(found) >= _MOST_SENTENCES:
            break
    # Lines that do not end as sentences do are labels and items, where the text is mostly sentences.
    whole = [sentence for sentence in found if len(sentence) > _SHORT_LINE or _is_complete(sentence)]
    return (whole if 2 * sum(map(len, whole)) > sum(map(len, found)) else found)[:_MOST_SENTENCES]


def _is_complete(sentence: str) -> bool:
    return sentence_ends(sentence)[-1:] == [len(sentence)]


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
    kept = sentence[: max_chars - 1]
    if not sentence[max_chars - 1 : max_chars].isspace() and " " in kept:
        kept = kept.rpartition(" ")[0]
    return kept.rstrip(" ,;:\u060c\u061b-\u2013\u2014(\u00ab\u201c\"'") + ELLIPSIS


def _pick(found: Sequence[str], title: str | None, count: int, max_chars: int) -> list[int]:
    """Indexes of the sentences to keep, ascending."""
    vectors = _vectors([_words(sentence) for sentence in found])
    scores = _scores(vectors, _words(title or ""))
    torn = [_is_torn(sentence) for sentence in found]
    dangling = [_dangles(sentence) for sentence in found]
    chosen: list[int] = []
    room = max_chars
    if len(found[0]) in _FORCED_LENGTHS and len(found[0]) <= room:
        chosen.append(0)
        room -= len(found[0]) + 1
    while len(chosen) < count:
        best: tuple[float, int] | None = None
        for index, sentence in enumerate(found):
            if index in chosen or len(sentence) > room or torn[index]:
                continue
            if dangling[index] and index - 1 not in chosen:
                continue
            repeated = max((_cosine(vectors[index], vectors[other]) for other in chosen), default=0.0)
            value = round(_RELEVANCE * scores[index] - (1 - _RELEVANCE) * repeated, 9)
            if best is None or value > best[0]:
                best = value, index
        if best is None:
            break
        chosen.append(best[1])
        room -= len(found[best[1]]) + 1
    return sorted(chosen)


def _words(text: str) -> list[str]:
    words = re.findall(r"\w+", persian.search_fold(text))
    return [word for word in words if len(word) > 1 and word not in _STOP_WORDS]


_Vector = dict[str, float]  #: unit length; keys in the order of the text


def _vectors(sentences: Sequence[Sequence[str]]) -> list[_Vector]:
    count = len(sentences)
    seen_in = Counter(word for words in sentences for word in dict.fromkeys(words))
    vectors: list[_Vector] = []
    for words in sentences:
        # A word of every second sentence tells none apart.
        weights = {
            word: times * math.log(1 + count / seen_in[word])
            for word, times in Counter(words).items()
            if seen_in[word] * 2 <= count
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        vectors.append({word: weight / length for word, weight in weights.items()})
    return vectors


def _cosine(first: _Vector, second: _Vector) -> float:
    return sum(weight * second[word] for word, weight in first.items() if word in second)


def _scores(vectors: Sequence[_Vector], title: Sequence[str]) -> list[float]:
    ranks = _text_rank(vectors)
    top = max(ranks)
    wanted = list(dict.fromkeys(title))
    scores: list[float] = []
    for index, vector in enumerate(vectors):
        told = sum(word in vector for word in wanted) / len(wanted) if wanted else 0.0
        lead = math.exp(-index / _LEAD_DECAY)
        scores.append(round(0.5 * ranks[index] / top + 0.25 * told + 0.25 * lead, 9))
    return scores


def _text_rank(vectors: Sequence[_Vector]) -> list[float]:
    count = len(vectors)
    holders: dict[str, list[int]] = {}
    weights: list[dict[int, float]] = [{} for _ in vectors]
    for index, vector in enumerate(vectors):
        for word, weight in vector.items():
            earlier = holders.setdefault(word, [])
            for other in earlier:
                weights[index][other] = weights[index].get(other, 0.0) + weight * vectors[other][word]
            earlier.append(index)
    for index in range(count):
        for other, weight in list(weights[index].items()):
            if other < index:
                weights[other][index] = weight
    totals = [sum(row.values()) for row in weights]
    links = [[(other, weight / totals[other]) for other, weight in row.items()] for row in weights]
    ranks = [1.0 / count] * count
    for _ in range(_ROUNDS):
        before = ranks
        ranks = [
            (1 - _DAMPING) / count + _DAMPING * sum([before[other] * weight for other, weight in row]) for row in links
        ]
        if all(abs(new - old) * count < _SETTLED for new, old in zip(ranks, before, strict=True)):
            break
    return ranks


def _is_torn(sentence: str) -> bool:
    """Whether a quotation begins or ends elsewhere."""
    return (
        sentence.count("\u201c") != sentence.count("\u201d")
        or sentence.count("\u00ab") != sentence.count("\u00bb")
        or sentence.count('"') % 2 == 1
    )


def _dangles(sentence: str) -> bool:
    """Whether it leans on the sentence before it, or is somebody's bare words."""
    bare = sentence.lstrip("\u200e\u200f\u2066\u2067\u2068")
    if bare[:1] in _OPENING_MARKS:
        return True
    opening = persian.search_fold(bare[:40])
    return bool(_DANGLING_ENGLISH.match(opening) or _DANGLING_PERSIAN.match(opening))


# --- the publisher's or ours --------------------------------------------------------------------------------

_MORE = re.compile(
    r"\s*(?:\[?\(?(?:\u2026|\.\.\.)\)?\]?\s*)?"
    r"(?:(?:read|continue|see|view|learn)\s+(?:more|reading|full|the (?:full|rest))"
    r"[^.!?]{0,80}|\(?more\.{3}\)?|ادامه\s*(?:ی\s*)?مطلب\S*|(?:بیشتر|ادامه) بخوانید\S*)\s*[\u2192\u00bb>.\u2026]*\s*$",
    re.IGNORECASE,
)
_LONGEST_MORE = 120  #: characters: nothing longer is an invitation
_BOILERPLATE = re.compile(
    r"(?:(?:article|comments?) url|points|# comments)\s*:.*|the post .{1,300} (?:appeared first|first appeared) on .*|"
    r"submitted by\s+/?u/.*|(?:comments?|link|permalink|read more|more|نظرات|نظرها|لینک|پیوند|ادامه)\W*",
    re.IGNORECASE,
)
_ITEM_MARKER = re.compile(r"(?:[\u2022\u25e6]|-?\d+\.) ")
_TRUNCATION = re.compile(r"\s*(?:\[\s*(?:\u2026|\.{3})\s*\]|\u2026|\.{3})\s*$")


def choose(own_summary_html: str | None, content_html: str | None, title: str | None, options: SummaryOptions) -> str:
    """The summary as plain text: the publisher's own where it is a real one, else sentences of the content.

    Empty where there is nothing to say beyond the title.
    """
    own = _paragraphs(own_summary_html)
    content = _paragraphs(content_html)
    if content and not _is_real(own, content, title):
        return " ".join(_summary_of(content, title, options))
    return " ".join(_summary_of(own, title, options) if not content else _leading(own, title, options))


def _paragraphs(html: str | None) -> list[str]:
    """What of the text can be told: no markers of lists, no boilerplate, no rows of links."""
    found: list[str] = []
    for block in markup.blocks(html or ""):
        if block.kind not in ("paragraph", "item", "quote") or _is_navigation(block.rich):
            continue
        text = persian.strip_controls(block.rich.text.replace("\n\n", "\v").replace("\n", " ").replace("\v", "\n"))
        if block.kind == "item":
            text = _ITEM_MARKER.sub("", text)
        lines = (_without_more(line).strip() for line in text.split("\n"))
        found += (line for line in lines if persian.key_fold(line) and not _BOILERPLATE.fullmatch(line))
    if found and _TRUNCATION.search(found[-1]):
        found[-1] = _without_torn_end(found[-1])
    return found


def _without_more(line: str) -> str:
    more = _MORE.search(line, max(0, len(line) - _LONGEST_MORE))
    return line[: more.start()] if more else line


def _without_torn_end(paragraph: str) -> str:
    """A paragraph the publisher cut off, without the sentence that was hit, where others stand before it."""
    whole, torn = split_sentences(paragraph)[:-1], split_sentences(paragraph)[-1]
    return " ".join(whole) if whole else _TRUNCATION.sub("", torn).rstrip() + ELLIPSIS


def _is_navigation(rich: RichText) -> bool:
    """Whether it is little more than links: 'Comments', a row of labels."""
    links = [span.end - span.start for span in rich.spans if span.type == "text_link"]
    if not links or sum(links) < 0.9 * len(rich.text.strip(" \n.[]()|\u00b7\u2022")):
        return False
    return len(rich) < _SHORT_LINE or sum(links) / len(links) < _SHORT_LINE / 2


def _is_real(own: Sequence[str], content: Sequence[str], title: str | None) -> bool:
    """Whether somebody wrote it as a summary: it is neither the title nor how the content begins."""
    text = persian.key_fold(_TRUNCATION.sub("", " ".join(own)))
    if not text or text == persian.key_fold(_TRUNCATION.sub("", title or "")):
        return False
    return not persian.key_fold(" ".join(content)).startswith(text)


def _summary_of(paragraphs: Sequence[str], title: str | None, options: SummaryOptions) -> list[str]:
    return summarise(paragraphs, title=title, sentences=options.sentences, max_chars=options.max_chars)


def _leading(paragraphs: Sequence[str], title: str | None, options: SummaryOptions) -> list[str]:
    found = _sentences(paragraphs, title)
    return _first(found, options.sentences, options.max_chars) if found else []
