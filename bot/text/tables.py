"""Tables as lines of a fixed-width font, where they are tables of values. Knows no HTML but the names of parts."""

import unicodedata

from bot.text import persian


class Table:
    """The cells of a table, and whether it is one: many pages set their text with tables."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.is_layout = False
        self._rows: list[list[str]] = []
        self.cell_from = 0

    def enter(self, name: str, at: int) -> None:
        """Begin an element inside the table; ``at`` is how many blocks there are."""
        if name == "tr":
            self._rows.append([])
        elif name in ("td", "th"):
            self.cell_from = at

    def leave(self, name: str, cell: list[str]) -> None:
        """End an element; ``cell`` has the texts of the blocks since ``cell_from``."""
        if name not in ("td", "th") or not self._rows:
            return
        if len(cell) > 1 or any("\n" in text or len(text) > 40 for text in cell):
            self.is_layout = True
        self._rows[-1].append(cell[0] if cell else "")

    def drawn(self) -> str:
        """Columns under each other; empty when it is no table of values."""
        rows = [row for row in self._rows if any(row)]
        columns = max((len(row) for row in rows), default=0)
        if self.is_layout or columns < 2 or len(rows) < 2 or columns > 8:
            return ""
        widths = [max(_width(row[index]) if index < len(row) else 0 for row in rows) for index in range(columns)]
        mark = _mark([cell for row in rows for cell in row])
        lines = (
            f"  {mark}".join(
                cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)
            ).rstrip(f" {mark}")
            for row in rows
        )
        return "\n".join(mark + line if mark else line for line in lines)


def _mark(cells: list[str]) -> str:
    """What keeps the columns of two scripts in one order in every line; "" for a table of one that needs none."""
    directions = [direction for cell in cells if (direction := persian.first_strong(cell))]
    if "rtl" not in directions:
        return ""
    direction = directions[0]  # who reads the first heading reads on from there
    return persian.MARKS[direction]


def _width(text: str) -> int:
    """Columns of a fixed-width font."""
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
