"""What the panels of pictures have in common: axes of accuracy per round, and one legend."""

from collections.abc import Iterable

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter


def show_accuracy_per_round(panel: Axes) -> None:
    """Give a panel percent on its y-axis, and whole numbers on its x-axis."""
    panel.yaxis.set_major_formatter(PercentFormatter(1.0))
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def lines_of(panels: Iterable[Axes]) -> dict[str, Artist]:
    """Return a line for each label in any of the panels, for one legend of all of them."""
    return {
        label: line
        for panel in panels
        for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
