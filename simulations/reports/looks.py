"""Looks of the lines in a picture: no two are alike, in colour or in grey."""

from typing import Any

# From seaborn's colorblind palette, without those that are close to another one.
COLOURS = ("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#56b4e9", "#8c510a", "#6a3d9a")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 3)))
MARKERS = ("", "o", "s", "^", "D", "v")


def line_look(number: int) -> dict[str, Any]:
    """Return colour, line style and marker of a line; the latter two repeat after 30 lines.

    Line style and marker alone tell lines apart where there is no colour.
    """
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number // len(DASHES) % len(MARKERS)],
    }
