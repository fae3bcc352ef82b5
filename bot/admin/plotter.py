"""Draw the picture of /stats, as a program of its own: JSON comes in, a PNG goes out.

Started by ``plotting.py``. matplotlib and what it needs take 70 MB and a second: the child takes them with it when it
ends. Knows no database and no language: the words and digits come with the figures.
"""

import json
import sys
from typing import Any

#: Pixels of the picture are these inches times the dots.
SIZE, DOTS = (8.0, 6.4), 150
COLOURS = ("#2f6f9f", "#3c8d5a", "#c0552f")
GREY = "#8a8f98"


def main() -> None:
    """Read what is to be drawn, write the picture."""
    sys.stdout.buffer.write(draw(json.load(sys.stdin.buffer)))


def draw(wanted: dict[str, Any]) -> bytes:
    """Three rows of bars under each other, a bar a day; today is at the end of the line."""
    # Imported here: nobody but the child may take them in.
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    digits = wanted["digits"]
    figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(wanted["rows"]), 1, sharex=True)
    for axis, row, colour in zip(axes, wanted["rows"], COLOURS, strict=True):
        axis.bar(range(len(row["counts"])), row["counts"], color=colour, width=0.8)
        axis.set_title(row["title"], fontsize=12, loc="right" if wanted["rtl"] else "left", color="#22262b")
        axis.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        axis.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _place: "".join(digits.get(each, each) for each in f"{value:.0f}"))
        )
        axis.set_ylim(0, max([*row["counts"], 1]) * 1.1)
        axis.tick_params(colors=GREY, labelsize=9, length=0)
        axis.grid(axis="y", color="#e6e8eb", linewidth=0.8)
        axis.set_axisbelow(True)
        for side in ("top", "left", "right"):
            axis.spines[side].set_visible(False)
        axis.spines["bottom"].set_color("#c9cdd2")
        if wanted["rtl"]:
            axis.yaxis.tick_right()
    axes[-1].set_xticks([each["at"] for each in wanted["ticks"]], [each["label"] for each in wanted["ticks"]])
    if wanted["rtl"]:
        axes[0].invert_xaxis()
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


if __name__ == "__main__":
    main()
