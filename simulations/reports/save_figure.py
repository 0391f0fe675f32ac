"""Figures on disk, as PNG and SVG."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

# For functions that draw: names with a $ are no formulas, and the style ends with the drawing.
names_as_they_are = mpl.rc_context({"text.parse_math": False})


def save_figure(figure: Figure, path: Path, *, dpi: int) -> Path:
    """Write a figure to ``path`` (PNG) and as SVG beside it, and close it."""
    mpl.rcParams["svg.hashsalt"] = "fog-flower"  # the same records make the same file
    figure.savefig(path, dpi=dpi)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    plt.close(figure)
    return path
