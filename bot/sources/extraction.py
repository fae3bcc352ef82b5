"""Take the article out of a web page. Runs in a child process that may be killed: pages can make it slow, or hang it.

Bytes in, clean HTML out: the words of the article without the menus, the comments and the advertisements round it.
Touches no network, no clock and no disk.
"""

import re
from html import escape
from urllib.parse import urljoin, urlsplit

from bot.sources.page import page_text
from bot.text import markup, tags

#: Shorter ones are cookie notices, paywalls and error pages, not articles.
LEAST_CHARS = 200
#: Of elements; trafilatura's time grows with them.
MAX_ELEMENTS = 50_000
# The heading of the article repeats its title.
_FIRST_HEADING = re.compile(r"\A\s*<h1>.*?</h1>", re.DOTALL)


class NoArticle(ValueError):
    """The page has no article that could be told from the rest of it."""


def extract(body: bytes, content_type: str, url: str) -> tuple[str, str | None]:
    """The article of a page as HTML, and the address of the picture that the page shows when it is shared.

    Raises: NoArticle.
    """
    # Here: the parent imports this module to name the function, and needs none of the 25 MB.
    import trafilatura
    from lxml.etree import LxmlError

    text = page_text(body, content_type)
    if text.count("<") > 2 * MAX_ELEMENTS:
        raise NoArticle(f"the page has over {MAX_ELEMENTS} elements")
    try:
        found = trafilatura.extract(
            text,
            url=url,
            output_format="html",
            include_comments=False,
            include_tables=True,
            include_images=True,
            include_formatting=True,
            include_links=True,
        )
    except (LxmlError, ValueError) as error:
        raise NoArticle(f"the page cannot be read ({type(error).__name__})") from error
    html = _FIRST_HEADING.sub("", tags.cleaned(found or ""))
    if len(markup.plain(html)) < LEAST_CHARS:
        raise NoArticle("the page has no article, or hides it")
    return html.strip(), _picture(text, url)


_META = re.compile(r"<meta\b[^<>]{0,4096}>", re.IGNORECASE)
_PICTURES = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")


def _picture(text: str, url: str) -> str | None:
    for found in _META.finditer(text):
        attributes = tags.Token("", "meta", attributes=found[0][5:-1]).attribute_map()
        if (attributes.get("property") or attributes.get("name", "")).lower() in _PICTURES:
            address = _absolute(url, attributes.get("content", ""))
            if address:
                return address
    return None


def _absolute(url: str, address: str) -> str | None:
    try:
        absolute = urljoin(url, address.strip())
        parts = urlsplit(absolute)
    except ValueError:
        return None
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and len(absolute) <= 2048
    return absolute if address.strip() and is_web and not re.search(r"[\s<>\"]", absolute) else None


def with_picture(html: str, address: str) -> str:
    """The article with a picture at its head, where ``render/pictures.py`` looks for one."""
    return f'<img src="{escape(address)}">{html}'
