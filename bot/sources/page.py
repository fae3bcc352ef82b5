"""A web page's bytes: whether they are one, and its text. For discovery, and for the child that extracts articles."""

import re

from bot.sources.document import decode

#: As much of a page as anybody reads.
MAX_CHARS = 2 * 1024 * 1024
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_TYPES = ("text/html", "application/xhtml+xml")


def looks_like_page(body: bytes, content_type: str) -> bool:
    """Whether an answer is a web page; of one that does not say, by how it begins."""
    kind = content_type.partition(";")[0].strip().lower()
    head = body[:2048].lstrip().lower()
    return kind in _TYPES or (not kind and (head.startswith(b"<!doctype html") or b"<html" in head or b"<head" in head))


def page_text(body: bytes, content_type: str) -> str:
    """The text of a page, in the charset that the server says, else the page, else the bytes themselves."""
    declared = _META_CHARSET.search(body[:4096])
    if declared and "charset" not in content_type.lower():
        content_type = f"text/html; charset={declared[1].decode()}"
    return decode(body, content_type)[:MAX_CHARS]
