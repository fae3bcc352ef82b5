"""Take secrets out of text that leaves the machine: those that are known, and what looks like one.

A leaf: text in, text out. ``doctor.py`` says which secrets are known.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MASK = "\u2039secret\u203a"
PERSON = "\u2039person\u203a"
QUOTED = "\u2039text\u203a"
#: What is shorter stands in other words too, and is nobody's password.
SHORTEST = 4
_LEAST_ID = 10_000  # the local preview's chats have small numbers

_TOKEN = re.compile(r"(?<!\d)\d{6,20}:[A-Za-z0-9_-]{20,}")
_USERINFO = re.compile(r"(?<=://)[^\s/?#@\"']*@")
#: Names of parameters are of use, their values may be keys.
_PARAMETER = re.compile(r"([?&;][\w.\[\]%-]+=)[^&;#\s\"'<>]+")
_AUTHORIZATION = re.compile(r"\b(Basic|Bearer|Token)\s+[A-Za-z0-9+/=._~-]{4,}", re.IGNORECASE)
#: A number that may be a person's; channels and groups have negative ones.
_ID = re.compile(r"(?<![\w.:/-])[1-9]\d{5,14}(?![\w.])")
_HEADERS = re.compile(r"^(\s*(?:-\s+)?|.*[{,]\s*)([\"']?)headers\2\s*:(.*)$")
_QUOTATION = re.compile('"[^"\\n]{1,500}"|\u00ab[^\u00bb\\n]{1,500}\u00bb|\u201c[^\u201d\\n]{1,500}\u201d')


class Redactor:
    """Knows the *secrets* of an installation, and the ids of *people* as they stand among other numbers in JSON."""

    def __init__(self, secrets: Iterable[str], people: Iterable[int] = ()) -> None:
        known = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._known = sorted(known, key=len, reverse=True)
        self._people = frozenset(person for person in people if person >= _LEAST_ID)

    def clean(self, text: str) -> str:
        """The text without secrets, and without numbers that may be people's."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        text = _TOKEN.sub(MASK, text)
        text = _USERINFO.sub(f"{MASK}@", text)
        text = _PARAMETER.sub(rf"\g<1>{MASK}", text)
        text = _AUTHORIZATION.sub(rf"\g<1> {MASK}", text)
        return _ID.sub(PERSON, text)

    def clean_all(self, value: Any) -> Any:
        """What becomes JSON, with everything that is text in it cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean(str(key)): self.clean_all(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean_all(each) for each in value]
        return PERSON if value in self._people else value


def _forms(secret: str) -> Iterator[str]:
    """A secret as it may stand in an address, in JSON, or in a header."""
    plain = unquote(secret)
    for each in {secret, plain}:
        yield from (each, quote(each), quote(each, safe=""), quote_plus(each))
        yield from (json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1])
        yield base64.b64encode(each.encode()).decode().rstrip("=")


def without_quotations(text: str) -> str:
    """A notice without the titles of posts and the names of people in it."""
    return _QUOTATION.sub(QUOTED, text)


def without_headers(yaml: str) -> str:
    """A configuration file whose headers have names and no values, also one that is no YAML (any more)."""
    lines: list[str] = []
    outer: int | None = None  # of the key "headers", while what stands below it is read
    inner: int | None = None  # of the names of headers
    depth = 0  # of braces that are open
    for line in yaml.splitlines():
        found, indent = _HEADERS.match(line), len(line) - len(line.lstrip())
        if depth > 0:
            depth += _opened(line)
            lines.append(MASK)
        elif found:
            outer, inner, depth = indent, None, max(_opened(found[3]), 0)
            is_empty = not found[3].split(" #")[0].strip()
            lines.append(line if is_empty else f"{line[: found.start(3)]} {MASK}")
        elif outer is not None and (not line.strip() or indent > outer):
            inner = indent if inner is None and line.strip() else inner
            lines.append(_masked(line, is_name=indent == inner))
        else:
            outer = None
            lines.append(line)
    return "\n".join(lines) + "\n"


def _opened(text: str) -> int:
    return text.count("{") - text.count("}")


def _masked(line: str, *, is_name: bool) -> str:
    """One line below ``headers:``; what names a variable gives nothing away."""
    name, colon, value = line.partition(":")
    if not line.strip() or (is_name and re.fullmatch(r"\s*[\"']?\$\{\w+\}[\"']?\s*", value)):
        return line
    return f"{name}: {MASK}" if colon and is_name else MASK
