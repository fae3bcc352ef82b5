"""The gates that summaries pass (docs/summaries.md); `make summaries` prints the figures."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.text import persian, summary
from tests import summaries
from tests.summaries import Example, lead, ours

LANGUAGES = ("en", "fa")
POSTS = [
    pytest.param(example, id=f"{language}-{number}")
    for language in LANGUAGES
    for number, example in enumerate(summaries.written(language), 1)
]
#: A list of its own, so that it does not repeat the mistakes of the one that it watches.
LEANING = re.compile(
    r"(?:However|But|And|So|He|She|They|It|This|That|These|Those|Then|Also|Therefore|Another|Others|Two days later)\b"
    r"|(?:اما|ولی|و|او|وی|این|آن|آنها|همچنین|بنابراین|سپس|ناچار|دیگری|یکی) "
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_references_are_twenty_posts_of_natural_length(language: str) -> None:
    examples = summaries.written(language)
    assert len(examples) == 20
    for example in examples:
        assert 8 <= sum(len(summary.split_sentences(text)) for text in example.paragraphs) <= 25, example.title
        assert len(summary.split_sentences(example.reference)) == 2, example.title


@pytest.mark.parametrize("language", LANGUAGES)
def test_planted_sentences_are_found_among_others_better_than_by_the_first_three(language: str) -> None:
    posts = list(summaries.planted(language, 40))
    assert summaries.precision(ours, posts) > summaries.precision(lead, posts) + 0.2


@pytest.mark.parametrize("measure", ["ROUGE-1", "ROUGE-2", "ROUGE-L"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_references_are_met_as_well_as_by_the_first_three(language: str, measure: str) -> None:
    posts = summaries.written(language)
    assert summaries.scores(ours, posts)[measure] >= summaries.scores(lead, posts)[measure] - 0.01


def test_descriptions_of_the_corpus_are_met_as_well_as_by_the_first_three(shared: Path) -> None:
    posts = summaries.described()
    assert posts
    for measure in ("ROUGE-1", "ROUGE-2", "ROUGE-L"):
        assert summaries.scores(ours, posts)[measure] >= summaries.scores(lead, posts)[measure] - 0.01


@pytest.mark.parametrize("post", POSTS)
def test_what_is_picked_can_stand_by_itself(post: Example) -> None:
    sentences = [sentence for text in post.paragraphs for sentence in summary.split_sentences(text)]
    picked = ours(post.paragraphs, post.title)
    places = [sentences.index(sentence) for sentence in picked]
    assert places == sorted(set(places))
    assert len(" ".join(picked)) <= summaries.MAX_CHARS
    assert summaries.overlap(picked) < 0.5
    for place in places:
        assert place == 0 or place - 1 in places or not LEANING.match(sentences[place])
        assert not sentences[place].startswith(("\u201c", '"', "\u00ab"))


@pytest.mark.parametrize("post", POSTS[20:])
def test_arabic_letters_change_nothing_that_is_picked(post: Example) -> None:
    arabic = str.maketrans("یک", "يك")
    other = ours([text.translate(arabic) for text in post.paragraphs], post.title.translate(arabic))
    assert [sentence.translate(arabic) for sentence in ours(post.paragraphs, post.title)] == other


def test_the_hash_seed_changes_nothing() -> None:
    code = (
        "import sys; from pathlib import Path; from bot.text import summary\n"
        "for name in sys.argv[1:]:\n"
        "    text = Path(name).read_text('utf-8').split('\\n\\n')\n"
        "    print(ascii(summary.summarise(text, title=text[0], sentences=40, max_chars=9000)))"
    )
    files = [str(summaries.WRITTEN / f"{language}.md") for language in LANGUAGES]
    answers = {
        subprocess.run(
            [sys.executable, "-c", code, *files],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(answers) == 1
    assert len(answers.pop()) > 9000


def test_a_long_post_is_summarised_in_a_blink() -> None:
    assert summaries.milliseconds(ours) < 100


def test_rouge_counts_words_as_spelled_in_any_way() -> None:
    assert summaries.rouge(1, "مي\u200cروم", "می روم") == 1
    assert summaries.rouge(2, "a b c d", "a b d") == pytest.approx(2 * 1 / 5)
    assert summaries.rouge_l("a b c d", "a c d e") == pytest.approx(2 * 3 / 8)
    assert summaries.rouge(2, "a", "a b") == summaries.rouge_l("", "a") == 0
    assert persian.search_fold("A") == "a"
