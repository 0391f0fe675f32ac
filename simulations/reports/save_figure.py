"""Saving of figures as PNG and SVG."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

mpl.use("Agg")  # pictures are only saved: there may be no screen

# Decorator for functions that draw. A $ in a name starts no formula, and changes of the style end
# with the function.
names_as_they_are = mpl.rc_context({"text.parse_math": False})


def save_figure(figure: Figure, path: Path, *, dpi: int) -> Path:
    """Write a figure to ``path`` (PNG) and as SVG beside it, and close it."""
    mpl.rcParams["svg.hashsalt"] = "fog-flower"  # the same records give the same file
    figure.savefig(path, dpi=dpi)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    plt.close(figure)
    return path
