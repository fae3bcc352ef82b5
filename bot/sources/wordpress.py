"""WordPress's export (WXR): RSS in which posts lie among pages, menus and attachments.

Left out is what the blog does not show to everyone: drafts, private posts, and those behind a password. A post's text
is as its author typed it: paragraphs are empty lines, captions and galleries are shortcodes.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.model import Enclosure, Entry
from bot.sources import exports
from bot.sources.exports import Moment, read_moment, web_link
from bot.sources.xml_records import Element, read_records

_WANTED = frozenset(
    (
        *("title", "link", "pubDate", "guid", "category", "dc:creator", "content:encoded", "excerpt:encoded"),
        *("wp:post_type", "wp:status", "wp:post_date", "wp:post_date_gmt", "wp:post_modified_gmt", "wp:post_password"),
        *("wp:postmeta", "wp:meta_key", "wp:meta_value", "wp:author_login", "wp:author_display_name"),
    )
)
_NO_DATE = "0000-00-00"

# Each branch that looks far ahead ends at the end of the text: linear on any input.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VERBATIM = re.compile(r"(<pre\b.*?(?:</pre\s*>|\Z))", re.DOTALL | re.IGNORECASE)
_CAPTION = re.compile(r"\[caption\b[^\[\]]*\](.*?)(?:\[/caption\]|\Z)", re.DOTALL)
_CAPTIONED = re.compile(r"\s*((?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?)(.*)", re.DOTALL)
_EMBED = re.compile(r"\[/?embed\b[^\[\]]*\]")
_MEDIA = re.compile(r"\[/?(?:gallery|playlist|audio|video)\b[^\[\]]*\]")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|li|ol|p|pre|"
    r"section|table|tbody|td|tfoot|th|thead|tr|ul)\b",
    re.IGNORECASE,
)


def read_entries(path: Path, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    """The posts of an export, in its order. A time that has no zone, as drafts once had, is one of *zone*.

    Raises: ArchiveError.
    """
    names: dict[str, str] = {}
    declared = home = None
    for found in read_records(path, "channel", frozenset(("item", "wp:author", "language", "link")), _WANTED):
        match found.name:
            case "wp:author":
                names[found.text("wp:author_login")] = found.text("wp:author_display_name")
            case "language":
                declared = found.value
            case "link":
                home = web_link(found.value)
            case _ if _is_public_post(found):
                author = found.text("dc:creator")
                yield _entry(found, names.get(author) or author, home, zone, language, declared)


def _is_public_post(item: Element) -> bool:
    return (
        (item.text("wp:post_type") or "post") == "post"
        and (item.text("wp:status") or "publish") == "publish"
        and not item.text("wp:post_password")
    )


def _entry(
    item: Element, author: str, home: str | None, zone: ZoneInfo, language: str | None, declared: str | None
) -> Entry:
    content = item.first("content:encoded")
    return exports.make_entry(
        guid=item.text("guid"),
        title=item.text("title"),
        link=web_link(item.text("link"), home),
        published=_published(item, zone),
        updated=read_moment(_utc(item.text("wp:post_modified_gmt")), zone),
        author=author,
        tags=tuple(
            category.value
            for category in item.every("category")
            if category.attributes.get("domain", "category") in ("category", "post_tag")
            and category.attributes.get("nicename") != "uncategorized"
        ),
        summary=paragraphs(item.text("excerpt:encoded")),
        content=paragraphs(content.value) if content else None,
        enclosures=tuple(_enclosures(item)),
        is_cut=content is not None and content.is_cut,
        language=language,
        declared=declared,
    )


def _published(item: Element, zone: ZoneInfo) -> Moment:
    written = (_utc(item.text("wp:post_date_gmt")), item.text("wp:post_date"), item.text("pubDate"))
    return read_moment(next((text for text in written if text and not text.startswith(_NO_DATE)), None), zone)


def _utc(text: str) -> str:
    return f"{text}Z" if text and not text.startswith(_NO_DATE) else ""


def _enclosures(item: Element) -> Iterator[Enclosure]:
    """Recordings: WordPress notes address, length and type on three lines of a field called enclosure."""
    for field in item.every("wp:postmeta"):
        if field.text("wp:meta_key") == "enclosure":
            address, _length, kind, *_more = [*field.text("wp:meta_value").splitlines(), "", "", ""]
            if url := web_link(address):
                yield Enclosure(url, kind.strip())


# --- what authors typed --------------------------------------------------------------------------------------


def paragraphs(typed: str) -> str:
    """A post's text as the HTML that WordPress would show: what stands between empty lines is a paragraph."""
    text = _COMMENT.sub("", typed.replace("\r\n", "\n").replace("\r", "\n"))
    text = _MEDIA.sub("", _EMBED.sub("\n\n", _CAPTION.sub(_figure, text)))
    pieces = (piece if at % 2 else _with_paragraphs(piece) for at, piece in enumerate(_VERBATIM.split(text)))
    return "\n".join(piece for piece in pieces if piece)


def _figure(found: re.Match[str]) -> str:
    inside = _CAPTIONED.fullmatch(found[1])
    if inside is None:
        return found[1]
    caption = html.escape(html.unescape(inside[2].strip()), quote=False) if "<" not in inside[2] else inside[2].strip()
    return f"\n\n<figure>{inside[1]}<figcaption>{caption}</figcaption></figure>\n\n"


def _with_paragraphs(text: str) -> str:
    blocks = (block.strip() for block in _PARAGRAPH_END.split(text))
    return "\n".join(
        block if _BLOCK.match(block) else "<p>" + block.replace("\n", "<br>\n") + "</p>" for block in blocks if block
    )
