"""How good the summaries are: ours beside the first three sentences, by the gates of docs/summaries.md.

`make summaries` prints the figures of that page; tests/unit/test_summary_gates.py holds them to the gates. The posts
and their references are in tests/data/summaries: written before anything was summarised, and not to be tuned to.
Descriptions of the corpus' feeds count where the corpus is.
"""

import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.text import persian, summary
from tests import corpus

WRITTEN = Path(__file__).parent / "data" / "summaries"
SENTENCES, MAX_CHARS = 3, 600  #: what the bot does by itself

Summarise = Callable[[Sequence[str], str | None], list[str]]


@dataclass(frozen=True, slots=True)
class Example:
    """A post, and how somebody summarised it."""

    title: str
    paragraphs: tuple[str, ...]
    reference: str


# --- the two sides -------------------------------------------------------------------------------------------


def ours(paragraphs: Sequence[str], title: str | None) -> list[str]:
    return summary.summarise(paragraphs, title=title, sentences=SENTENCES, max_chars=MAX_CHARS)


def lead(paragraphs: Sequence[str], title: str | None) -> list[str]:
    """The first three sentences that ours would look at: the same filters, the same limits."""
    return summary.leading(paragraphs, title=title, sentences=SENTENCES, max_chars=MAX_CHARS)


# --- the material --------------------------------------------------------------------------------------------


def written(language: str) -> list[Example]:
    """Posts with a summary of two sentences each."""
    found = []
    for title, body in _sections(f"{language}.md"):
        *paragraphs, reference = body.split("\n\n")
        assert reference.startswith("> "), title
        found.append(Example(title, tuple(paragraphs), reference[2:]))
    return found


def _sections(name: str) -> Iterator[tuple[str, str]]:
    for section in (WRITTEN / name).read_text(encoding="utf-8").removeprefix("# ").split("\n# "):
        title, _, body = section.strip().partition("\n")
        yield title, body.strip()


def planted(language: str, count: int = 100) -> Iterator[Example]:
    """Three sentences that say what the title says, among others at random; they are the reference, one a line."""
    chance = random.Random(language)
    sections = [(title, body) for title, body in _sections("planted.md") if _is_in(language, title)]
    fillers = [
        sentence
        for example in written(language)
        for paragraph in example.paragraphs
        for sentence in summary.split_sentences(paragraph)
    ]
    for number in range(count):
        title, body = sections[number % len(sections)]
        sentences = chance.sample(fillers, chance.randint(9, 25))
        for gold in body.split("\n"):
            sentences.insert(chance.randint(0, len(sentences)), gold)
        yield Example(title, tuple(" ".join(sentences[at : at + 4]) for at in range(0, len(sentences), 4)), body)


def _is_in(language: str, text: str) -> bool:
    return (persian.dominant_direction(text) == "rtl") == (language == "fa")


def described() -> list[Example]:
    """Entries of the corpus whose description somebody wrote: it is not how their content begins."""
    found = []
    for entry in corpus.entries(holding=b"<content"):
        content = summary.paragraphs(entry.content, entry.title)
        own = summary.paragraphs(entry.summary, entry.title)
        sentences = [sentence for paragraph in content for sentence in summary.split_sentences(paragraph)]
        if len(sentences) > SENTENCES and summary.is_real(own, content, entry.title):
            found.append(Example(entry.title or "", tuple(content), " ".join(own)))
    return found


# --- the figures ---------------------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """Folded, so that spelling does not count."""
    return re.findall(r"\w+", persian.search_fold(text))


def rouge(size: int, found: str, reference: str) -> float:
    """ROUGE-N: the harmonic mean of the shares of runs of words that both have."""
    runs = [Counter(zip(*(words(text)[at:] for at in range(size)), strict=False)) for text in (found, reference)]
    return _mean_of_shares((runs[0] & runs[1]).total(), runs[0].total(), runs[1].total())


def rouge_l(found: str, reference: str) -> float:
    """ROUGE-L: the same of the longest common subsequence of words."""
    ours, theirs = words(found), words(reference)
    row = [0] * (len(theirs) + 1)
    for word in ours:
        diagonal = 0
        for index, other in enumerate(theirs, 1):
            diagonal, row[index] = row[index], diagonal + 1 if word == other else max(row[index], row[index - 1])
    return _mean_of_shares(row[-1], len(ours), len(theirs))


def _mean_of_shares(shared: int, of_found: int, of_reference: int) -> float:
    return 2 * shared / (of_found + of_reference) if shared else 0.0


def scores(summarise: Summarise, examples: Sequence[Example]) -> dict[str, float]:
    """Means over the examples."""
    found = [(" ".join(summarise(example.paragraphs, example.title)), example.reference) for example in examples]
    return {
        "ROUGE-1": statistics.mean(rouge(1, *pair) for pair in found),
        "ROUGE-2": statistics.mean(rouge(2, *pair) for pair in found),
        "ROUGE-L": statistics.mean(rouge_l(*pair) for pair in found),
        "characters": statistics.mean(len(text) for text, _ in found),
    }


def precision(summarise: Summarise, examples: Sequence[Example]) -> float:
    """How many of the sentences picked were planted."""
    shares = []
    for example in examples:
        picked = summarise(example.paragraphs, example.title)
        shares.append(len(set(picked) & set(example.reference.split("\n"))) / len(picked))
    return statistics.mean(shares)


def overlap(picked: Sequence[str]) -> float:
    """The greatest share of the words of one sentence that stand in another, too."""
    sets = [set(words(sentence)) for sentence in picked]
    shares = [len(one & other) / min(len(one), len(other)) for at, one in enumerate(sets) for other in sets[:at]]
    return max(shares, default=0.0)


def milliseconds(summarise: Summarise, sentences: int = 120) -> float:
    """CPU for a post of so many sentences, the better of three."""
    paragraphs = [paragraph for example in written("en") for paragraph in example.paragraphs]
    text = [sentence for paragraph in paragraphs for sentence in summary.split_sentences(paragraph)][:sentences]
    costs = []
    for _ in range(3):
        before = time.process_time()
        summarise(text, "The moon over the garden")
        costs.append(1000 * (time.process_time() - before))
    return min(costs)


# --- the page ------------------------------------------------------------------------------------------------


def report() -> Iterator[str]:
    """Lines of the tables of docs/summaries.md."""
    yield "| planted sentences found, of three picked | ours | lead-3 |\n|---|---|---|"
    for language in ("en", "fa"):
        posts = list(planted(language))
        yield f"| {language}, {len(posts)} posts | {precision(ours, posts):.2f} | {precision(lead, posts):.2f} |"
    yield "\n| references | measure | ours | lead-3 |\n|---|---|---|---|"
    sets = {
        "English, written for this": written("en"),
        "Persian, written for this": written("fa"),
        "descriptions of the corpus": described(),
    }
    for name, examples in sets.items():
        if not examples:
            continue
        of_ours, of_lead = scores(ours, examples), scores(lead, examples)
        for measure in of_ours:
            form = ".0f" if measure == "characters" else ".3f"
            yield f"| {name} ({len(examples)}) | {measure} | {of_ours[measure]:{form}} | {of_lead[measure]:{form}} |"
    yield f"\n120 sentences: {milliseconds(ours):.0f} ms of CPU (lead-3: {milliseconds(lead):.0f} ms)"


def picks() -> Iterator[str]:
    """What was picked, to be read beside the references."""
    for language in ("en", "fa"):
        for example in written(language):
            yield f"\n# {example.title}\n" + "\n".join(f"- {one}" for one in ours(example.paragraphs, example.title))
            yield f"> {example.reference}"


if __name__ == "__main__":
    print("\n".join(picks() if "--picks" in sys.argv else report()))
