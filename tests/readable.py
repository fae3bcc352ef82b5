"""A message as a person can read it in a file: invisible marks and entities stand in the text, by name."""

from bot.model import Entity, Message

MARKS = {
    "\u200e": "<LRM>",
    "\u200f": "<RLM>",
    "\u2066": "<LRI>",
    "\u2067": "<RLI>",
    "\u2068": "<FSI>",
    "\u2069": "<PDI>",
    "\u2060": "<WJ>",
    "\u2003": "<EM>",
    "\u00a0": "<NBSP>",
}
NAMES = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "text_link": "a",
    "blockquote": "quote",
    "expandable_blockquote": "expandable",
}


def readable(message: Message) -> str:
    """The text with ``[b]...[/b]`` for entities and ``<RLM>`` for marks."""
    units = message.text.encode("utf-16-le")
    edges: list[tuple[int, int, int, str]] = []
    for number, entity in enumerate(message.entities):
        name = NAMES.get(entity.type, entity.type)
        edges.append((entity.offset, 1, number, f"[{name}{_details(entity)}]"))
        edges.append((entity.offset + entity.length, 0, -number, f"[/{name}]"))
    out: list[str] = []
    at = 0
    for offset, _, _, tag in sorted(edges):
        out += (units[2 * at : 2 * offset].decode("utf-16-le"), tag)
        at = offset
    out.append(units[2 * at :].decode("utf-16-le"))
    return "".join(MARKS.get(character, character) for character in "".join(out))


def _details(entity: Entity) -> str:
    values = (entity.url, entity.language, entity.unix_time, entity.date_time_format)
    return "".join(f" {value}" for value in values if value is not None)
