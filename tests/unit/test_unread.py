"""What an error of a source means to who is no operator, in both languages."""

import pytest

from bot.errors import ArchiveError, FeedGone, FetchError, ParseError, SourceError
from bot.model import Language
from bot.screens.admin_replies import unreadable, why_unread

ERRORS: list[tuple[SourceError, str]] = [
    (ParseError("not a feed; correct its url"), "What is there is no feed that I can read."),
    (FeedGone("410: gone; remove it", status=410), "Its publisher says that it is gone for good."),
    (FetchError("no such host; correct it", is_unknown_host=True), "There is no such site."),
    (FetchError("404; correct its url", status=404), "There is no such page."),
    (FetchError("401; write its password", status=401), "Its site does not let me in."),
    (FetchError("403; ask its publisher", status=403), "Its site does not let me in."),
    (FetchError("429; it is tried again later", status=429), "Its site is busy or broken. Try again later."),
    (FetchError("503; it is tried again later", status=503), "Its site is busy or broken. Try again later."),
    (FetchError("418; open it in a browser", status=418), "Its site gave no answer that I can use."),
    (FetchError("too slow; it is tried again later"), "Its site gave no answer that I can use."),
    (ArchiveError("blog.txt: is no text; name other files"), "Its site gave no answer that I can use."),
]


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=[str(error) for error, _said in ERRORS])
def test_every_error_of_a_source_is_said_in_plain_words(error: SourceError, said: str) -> None:
    assert why_unread(error, "en") == said


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_words_come_before_what_only_an_operator_can_use(language: Language) -> None:
    error = FetchError("404; correct its url", status=404)
    _, reason, _, technical = unreadable("https://sky.example/", error, language).text.split("\n")
    assert why_unread(error, language) in reason
    assert "404; correct its url" in technical
    assert why_unread(error, language).isascii() == (language == "en")
