"""The SAX driver that feedparser is given: expat as the standard library has it, but text comes in few pieces.

By itself expat says each ``&lt;`` alone, and HTML in a feed is made of them: half of the time of a parse goes there.
The pieces are joined in either case, so nothing that is parsed changes. Runs in the parser's child process.
"""

from xml.parsers.expat import XMLParserType
from xml.sax import expatreader

#: Text that comes in one piece; longer ones come in several.
BUFFER_BYTES = 64 * 1024


class BufferedExpat(expatreader.ExpatParser):
    """expat with a buffer for text."""

    def reset(self) -> None:
        """Begin a document."""
        super().reset()
        parser: XMLParserType = self._parser  # type: ignore[attr-defined]  # typeshed knows the public part alone
        parser.buffer_text = True
        parser.buffer_size = BUFFER_BYTES


def create_parser() -> BufferedExpat:
    """What ``xml.sax.make_parser`` calls."""
    return BufferedExpat()
