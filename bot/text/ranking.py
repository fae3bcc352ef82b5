"""Which sentences of a text say what it is about.

Those that share most with the others (degree centrality, which the paper on LexRank found as good as the rank of
rounds), that the title and their place speak for, each different from those chosen before it, none that leans on a
sentence left out. Called by ``summary.py``. Pure and deterministic: equal scores go by place, no hash order enters.
Knows stop words of English and Persian; without them it works for any language.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from bot.text import persian

_FORCED_LENGTHS = range(40, 421)  #: of a first sentence that is always kept
_RELEVANCE = 0.7  #: against repeating what is chosen already (MMR)
_LEAD_DECAY = 5

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
    r"addition|contrast|fact|other words|turn)|by (?:contrast|then|this|that)|on the (?:other hand|contrary)|"
    r"at (?:the same|this|that) time|of course|(?:after|before|because of|despite|from|with|until|since|to) "
    r"(?:that|this|then|these|those|him|her|them|it)|the (?:former|latter|same|others?)|the (?:\w+ )?ones?|another|"
    r"others|both|neither|afterwards|later|soon after|rather|"
    r"(?:\w+ ){1,2}(?:days?|weeks?|months?|years?|hours?|minutes?) (?:later|earlier)|"
    r"the (?:next|following|previous) (?:day|night|morning|evening|week|month|year))\b"
)
_DANGLING_PERSIAN = re.compile(  # folded: [اآ]ن stands for two spellings of one word
    "(?:و|یا|اما|ولی|لیکن|بلکه|وگرنه|همچنین|بنابراین|لذا|پس(?! از)|سپس|[اآ]نگاه|بعد(?! از)|بعدها|ناچار|سرانجام|برعکس|"
    "مثلا|البته|نیز|چون|چرا که|زیرا|حال [اآ]نکه|ازاین رو|(?:از|در|با|به|بر|تا|برای|پیش از|پس از|بعد از|"
    "علاوه بر|افزون بر) (?:این|[اآ]ن|همین|همان)|بدین|این(?: ?ها)?|[اآ]ن(?: ?ها|ان)?|(?:هم)?[اآ]نجا|همان|همین|"
    "او|وی|ایشان|چنین|چنان|یکی(?! از)|دیگری|دیگران|بقیه|هر دو|هر سه|هیچ کدام|در (?:نتیجه|مقابل|عوض|واقع|حقیقت|نهایت)|"
    "به (?:هر حال|علاوه|عبارت|بیان دیگر)|برای (?:نمونه|مثال)|از (?:سوی|طرف) دیگر|از طرفی|گذشته از|"
    r"(?:\w+ )?(?:روز|شب|هفته|ماه|سال|ساعت|دقیقه) بعد)(?: |$)"
)
_OPENING_MARKS = "(\"'\u2018\u201c\u201e\u00ab\u300c\u300e"
_QUOTED = re.compile('["\'\u2018\u201c\u201e\u00ab\u300c\u300e]([^"\u2019\u201d\u00bb\u300d\u300f]*)')

#: Letters of scripts that part no words; there two neighbours at a time tell as much.
WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_PAIR = re.compile(f"(?=({WITHOUT_SPACES.pattern}{{2}})).")
_WORD = re.compile(r"\w{2,}")

_Vector = dict[str, float]  #: unit length; keys in the order of the text


def pick(found: Sequence[str], title: str | None, count: int, max_chars: int) -> list[int]:
    """Indexes of the sentences to keep, ascending; together, with a space between, within ``max_chars``."""
    words = [_words(sentence) for sentence in found]
    vectors = _vectors(words)
    scores = _scores(vectors, [word for word in _words(title or "") if word not in _STOP_WORDS])
    by_score = sorted(range(len(found)), key=lambda index: (-scores[index], index))
    chosen: list[int] = []
    room = max_chars
    if len(found[0]) in _FORCED_LENGTHS and len(found[0]) <= room:
        chosen.append(0)
        room -= len(found[0]) + 1
    while len(chosen) < count:
        best: tuple[float, int] | None = None  # value, and the index below zero: the first of equals is the greatest
        for index in by_score:
            if best and round(_RELEVANCE * scores[index], 9) < best[0]:
                break
            if index in chosen or len(found[index]) > room or _leans(found, index, chosen):
                continue
            if any(_are_alike(words[index], words[other]) for other in chosen):
                continue
            repeated = max((_cosine(vectors[index], vectors[other]) for other in chosen), default=0.0)
            value = round(_RELEVANCE * scores[index] - (1 - _RELEVANCE) * repeated, 9)
            best = max(best or (value, -index), (value, -index))
        if best is None:
            break
        chosen.append(-best[1])
        room -= len(found[-best[1]]) + 1
    return sorted(chosen)


def _words(text: str) -> list[str]:
    folded = persian.search_fold(text)
    found = _PAIR.findall(folded) if WITHOUT_SPACES.search(folded) else []
    if found:
        folded = WITHOUT_SPACES.sub(" ", folded)
    return found + _WORD.findall(folded)


def _vectors(sentences: Sequence[Sequence[str]]) -> list[_Vector]:
    count = len(sentences)
    counted = [Counter(words) for words in sentences]
    seen_in = Counter(chain.from_iterable(counted))
    # A word of every second sentence tells none apart.
    rarity = {
        word: math.log(1 + count / times)
        for word, times in seen_in.items()
        if 2 * times <= count and word not in _STOP_WORDS
    }
    vectors: list[_Vector] = []
    for words in counted:
        weights = {word: times * rarity[word] for word, times in words.items() if word in rarity}
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        vectors.append({word: weight / length for word, weight in weights.items()})
    return vectors


def _are_alike(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether half of the words of one are words of the other."""
    one, other = set(first), set(second)
    return 2 * len(one & other) >= min(len(one), len(other))


def _cosine(first: _Vector, second: _Vector) -> float:
    return sum(weight * second[word] for word, weight in first.items() if word in second)


def _scores(vectors: Sequence[_Vector], title: Sequence[str]) -> list[float]:
    shared = _shared(vectors)
    top = max(shared) or 1.0
    wanted = frozenset(title)
    scores: list[float] = []
    for index, vector in enumerate(vectors):
        told = len(wanted & vector.keys()) / len(wanted) if wanted else 0.0
        lead = math.exp(-index / _LEAD_DECAY)
        scores.append(round(0.5 * shared[index] / top + 0.25 * told + 0.25 * lead, 9))
    return scores


def _shared(vectors: Sequence[_Vector]) -> list[float]:
    """How much each has in common with all others: the sum of their cosines, by way of the sum of their vectors."""
    total: dict[str, float] = {}
    for vector in vectors:
        for word, weight in vector.items():
            total[word] = total.get(word, 0.0) + weight
    return [round(sum([weight * (total[word] - weight) for word, weight in vector.items()]), 9) for vector in vectors]


def _leans(found: Sequence[str], index: int, chosen: Sequence[int]) -> bool:
    """Whether it cannot stand where it would: somebody's bare words, half of a quotation, or 'However, she ...'."""
    sentence = found[index].lstrip("\u200e\u200f\u2066\u2067\u2068")
    quoted = _QUOTED.match(sentence)
    if _is_torn(sentence) or (quoted and 2 * len(quoted[1]) > len(sentence)):
        return True
    if index - 1 in chosen:
        return False
    opening = persian.search_fold(sentence[:40])
    return (
        sentence[:1] in _OPENING_MARKS
        or bool(_DANGLING_ENGLISH.match(opening))
        or bool(_DANGLING_PERSIAN.match(opening))
    )


def _is_torn(sentence: str) -> bool:
    """Whether a quotation begins or ends elsewhere."""
    return (
        sentence.count("\u201c") != sentence.count("\u201d")
        or sentence.count("\u00ab") != sentence.count("\u00bb")
        or sentence.count('"') % 2 == 1
    )
