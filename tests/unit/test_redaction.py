"""No secret is left in a text, in whatever form it stands there; what is none stays."""

import base64

import pytest

from bot.redaction import MASK, PERSON, Redactor, without_headers, without_quotations

SECRETS = {
    "as-it-is": ("hunter2", "password hunter2 was refused"),
    "in-an-address": ("p@ss word/1", "https://me:p%40ss%20word%2F1@host/"),
    "written-encoded": ("p%40ss", "the password is p@ss"),
    "in-json": ('quo"te\\', r'{"x": "quo\"te\\"}'),
    "of-persian-letters": ("رمز\u200cعبور", r"\u0631\u0645\u0632\u200c\u0639\u0628\u0648\u0631"),
    "as-a-header": ("me:hunter2", "Authorization: Basic " + base64.b64encode(b"me:hunter2").decode()),
    "a-token-of-nobody": ("x", "https://api.telegram.org/bot123456789:AAE-abcdefghijklmnopqrstuvwxyz012345/getMe"),
    "a-user-of-nobody": ("x", "postgresql://me:secret@db/q"),
    "a-parameter": ("x", "https://host/feed?format=atom&key=s3cret#top"),
    "a-bearer": ("x", "authorization: bearer abcdef"),
}


@pytest.mark.parametrize(("secret", "text"), SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_found_in_every_form(secret: str, text: str) -> None:
    cleaned = Redactor([secret]).clean(text)
    assert MASK in cleaned
    for left in (
        *("hunter2", "p@ss", "p%40ss", 'quo"te', "u0631", "bWU6", "AAE-", "me:secret", "s3cret", "abcdef"),
        *([secret] if len(secret) > 1 else []),
    ):
        assert left not in cleaned


def test_what_is_no_secret_stays() -> None:
    text = "feed sky failed 3 times: https://sky.example/a/b answered 503; bot @example_bot, chat -1001234567890"
    assert Redactor(["", "sky"], [0, 5]).clean(text) == text


def test_people_are_not_named() -> None:
    redactor = Redactor([], [123456789])
    assert (
        redactor.clean("to 123456789, not -1001234567890 or 12:345678")
        == f"to {PERSON}, not -1001234567890 or 12:345678"
    )
    assert redactor.clean_all({"chat": 123456789, "also": [5, True, None]}) == {"chat": PERSON, "also": [5, True, None]}
    assert without_quotations('twice: "A full moon" to «سارا».') == "twice: \u2039text\u203a to \u2039text\u203a."


FILES = {
    "block": (
        "    headers:\n      Authorization: Basic PLANTED\n      X-Key: '${KEY}'\n    every: 1h\n",
        ["'${KEY}'", "every: 1h"],
    ),
    "flow": ("  sky: {url: https://a/, headers: {Authorization: PLANTED, X: PLANTED}}\n  moon: x\n", ["moon: x"]),
    "flow-of-lines": ("    headers: {\n  Authorization: PLANTED,\nX: PLANTED\n}\n    every: 1h\n", ["every: 1h"]),
    "folded": (
        "    headers:\n      Authorization: >-\n        Basic\n        PLANTED: x\n    every: 1h\n",
        ["every: 1h"],
    ),
    "quoted-key": ('    "headers":\n      A: PLANTED\n    every: 1h\n', ["every: 1h"]),
    "torn": ("    headers:\n      A: [PLANTED\n      B PLANTED\n", []),
    "comment": ("    headers: # PLANTED below\n      A: PLANTED # PLANTED\n  moon: {}\n", ["moon: {}"]),
}


@pytest.mark.parametrize(("text", "kept"), FILES.values(), ids=FILES.keys())
def test_headers_have_names_and_no_values(text: str, kept: list[str]) -> None:
    cleaned = without_headers(text)
    assert "PLANTED" not in cleaned.replace("# PLANTED below", "")
    assert all(line in cleaned for line in kept)
    assert len(cleaned.splitlines()) == len(text.splitlines())
