"""Histograms of oriented gradients (Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177)."""

import numpy as np
import numpy.typing as npt

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array

CLIPPED = 0.2  # largest value in a block of unit length (Dalal & Triggs, L2-Hys)
FAINT = 1e-2  # added to the length of a block's gradients, so that flat blocks stay small


def hog(images: Array, cell: int = 4, orientations: int = 9) -> npt.NDArray[np.float32]:
    """Return histograms of edge orientations in overlapping, normalised blocks of 2 x 2 cells.

    Each pixel uses the channel with its largest gradient. The scale and offset of inputs hardly
    matter, because blocks are normalised to unit length.

    Parameters
    ----------
    images : float32 [n, height, width, channels]
    cell : int
        Side of a cell in pixels; remaining pixels at the right and bottom are not used.
    orientations : int
        Number of orientations of an undirected edge.

    Returns
    -------
    float32 [n, (height / cell - 1) * (width / cell - 1) * 4 * orientations]
        Divided by the square root of the number of blocks, so that an image has at most unit
        length.

    Raises
    ------
    UserError
        If images are smaller than a block.
    """
    rows, columns = images.shape[1] // cell, images.shape[2] // cell
    if min(rows, columns) < 2:
        raise UserError(
            f"features=hog: cell={cell} needs images of at least {2 * cell} x {2 * cell} pixels, "
            f"not {images.shape[1]} x {images.shape[2]}; use a smaller cell"
        )
    lengths, angles = _gradients(images[:, : rows * cell, : columns * cell])
    position = angles / np.pi * orientations
    lower = np.floor(position).astype(np.int64)
    upper_share = (position - lower).astype(np.float32)
    votes = np.zeros((*lengths.shape, orientations), np.float32)
    for number, share in ((lower, 1.0 - upper_share), (lower + 1, upper_share)):
        chosen = (number % orientations)[..., None]
        before = np.take_along_axis(votes, chosen, -1)
        np.put_along_axis(votes, chosen, before + (lengths * share)[..., None], -1)
    cells = votes.reshape(len(images), rows, cell, columns, cell, orientations).sum((2, 4))
    corners = [cells[:, i : rows - 1 + i, j : columns - 1 + j] for i in (0, 1) for j in (0, 1)]
    blocks = _unit(np.concatenate(corners, axis=-1))
    blocks = _unit(np.minimum(blocks, CLIPPED))
    return blocks.reshape(len(images), -1) / np.float32(np.sqrt(blocks.shape[1] * blocks.shape[2]))


def _gradients(images: Array) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return length and undirected angle, 0 to pi, of each pixel's gradient [n, h, w]."""
    across, down = np.zeros_like(images), np.zeros_like(images)
    across[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    down[:, 1:-1] = images[:, 2:] - images[:, :-2]
    strongest = np.argmax(across**2 + down**2, axis=-1)[..., None]
    across, down = (np.take_along_axis(a, strongest, -1)[..., 0] for a in (across, down))
    return np.hypot(across, down), np.arctan2(down, across) % np.float32(np.pi)


def _unit(blocks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(blocks, axis=-1, keepdims=True) + np.float32(FAINT)
    unit: npt.NDArray[np.float32] = blocks / lengths
    return unit
