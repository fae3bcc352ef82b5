"""Forty posts as people see them: a change in any message shows as a diff of its file."""

import pytest

from bot.render import TEMPLATES
from tests.golden_posts import FOLDER, POSTS, messages_of, shown
from tests.tdlib import accepted


@pytest.mark.parametrize("name", POSTS)
def test_a_post_is_shown_as_it_was(name: str) -> None:
    written = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert shown(POSTS[name]) == written, "look at the diff; `python -m tests.golden_posts` writes what is right now"
    for template in TEMPLATES:
        for message in [*messages_of(POSTS[name], template, "fa"), *messages_of(POSTS[name], template, "en")]:
            assert accepted(message.text, message.entities) == (message.text, message.entities)


def test_each_file_has_its_post() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(POSTS)
    assert len(POSTS) == 40
