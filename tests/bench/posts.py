"""The posts that the rendering benchmark sets: the long ones of the corpus, or posts made up where it is missing."""

import random
from collections.abc import Iterator
from itertools import cycle, islice

from bot.model import Entry
from tests import corpus

COUNT = 1000
#: Characters of HTML; what is shorter is a teaser, and costs next to nothing.
FULL_TEXT = 1000
_PICTURE = '<figure><img src="https://sky.example/{}.jpg" width="800"><figcaption>The hills.</figcaption></figure>'
_WORD_LIST = """moon garden rose night sky water stone tree path light wind autumn hill lantern bridge river bird
    ماه باغ گل شب آسمان آب سنگ درخت راه نور باد پاییز تپه فانوس پل رود غروب پرنده"""
_WORDS = _WORD_LIST.split()


def read() -> tuple[str, list[Entry]]:
    """What they are, in words, and 1,000 of them: each in turn until there are so many."""
    found = [entry for entry in corpus.entries() if len(entry.fullest or "") >= FULL_TEXT]
    if found:
        return f"{len(found)} posts of the corpus in turn", list(islice(cycle(found), COUNT))
    return "made up: the corpus is not here", list(made_up())


def made_up() -> Iterator[Entry]:
    """Of 500 to 20,000 characters, in two languages, with what posts have: links, styles, lists, quotes, pictures."""
    chance = random.Random(1)
    for number in range(COUNT):
        words = _WORDS[:17] if number % 2 else _WORDS[17:]
        paragraphs = [_paragraph(chance, words) for _ in range(round(4 * chance.paretovariate(1.2)) % 80 + 2)]
        paragraphs.insert(1, _PICTURE.format(number))
        paragraphs.append(f"<ul>{''.join(f'<li>{_sentence(chance, words)}</li>' for _ in range(4))}</ul>")
        yield Entry(
            title=_sentence(chance, words),
            link=f"https://sky.example/{number}",
            content="\n".join(paragraphs),
            language="en" if number % 2 else "fa",
        )


def _paragraph(chance: random.Random, words: list[str]) -> str:
    sentences = [_sentence(chance, words) for _ in range(chance.randint(2, 7))]
    sentences[0] = f'<a href="https://sky.example/{chance.random()}">{sentences[0]}</a>'
    sentences[-1] = f"<em>{sentences[-1]}</em>"
    kind = chance.choices(("p", "blockquote", "h2"), (8, 1, 1))[0]
    return f'<{kind} class="wp-block">{" ".join(sentences)}</{kind}>'


def _sentence(chance: random.Random, words: list[str]) -> str:
    return " ".join(chance.choices(words, k=chance.randint(6, 24))).capitalize() + "."
