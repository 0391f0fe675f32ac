"""Pictures with a named row of images for each thing that is compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt

from simulations.reports.save_figure import save_figure

SHOWN = 6  # images in a row
Image = npt.NDArray[np.floating[Any]]


def draw_rows(rows: Mapping[str, Sequence[Image]], path: Path, *, left: float) -> None:
    """Draw the first images of each row behind its name.

    Parameters
    ----------
    rows : mapping of name to images
        Images are [height, width, channels]; numbers outside 0 to 1 are cut off.
    path : Path
        Path of the PNG.
    left : float
        Inches for the names.
    """
    width = SHOWN * 1.2 + left
    figure, axes = plt.subplots(len(rows), SHOWN, figsize=(width, 1.25 * len(rows)), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()  # also for panels without an image
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(row, images[:SHOWN], strict=False):
            shown = np.clip(image, 0.0, 1.0).squeeze()
            axis.imshow(shown, cmap="gray" if image.shape[-1] == 1 else None)
        row[0].text(-0.1, 0.5, name, transform=row[0].transAxes, ha="right", va="center", wrap=True)
    figure.subplots_adjust(left=left / width, right=0.99, top=0.99, bottom=0.01)
    save_figure(figure, path, dpi=120)
