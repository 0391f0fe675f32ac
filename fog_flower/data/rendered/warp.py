"""From the flat sheet to the camera's view of it."""

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.layout import SHEET_HEIGHT, SHEET_WIDTH, Sheet

VIEW = 64  # pixels; twice an image's side, so that edges are smooth after the lens
_GRID = np.stack(
    np.meshgrid((np.arange(VIEW) + 0.5) / VIEW - 0.5, (np.arange(VIEW) + 0.5) / VIEW - 0.5), -1
)  # [VIEW, VIEW, 2]: x and y from -0.5 to 0.5


def view(
    sheet: Sheet, width: float, height: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Look at the sheet from somewhere near.

    SVHN's crops are squares around the digit's box, so the longer side nearly fills the frame.

    Parameters
    ----------
    sheet : uint8 [SHEET_HEIGHT, SHEET_WIDTH, 3]
    width, height : float
        Of the digit in its middle, in the sheet's pixels.

    Returns
    -------
    float32 [VIEW, VIEW, 3], the masks from 0 to 1
    """
    aspect = float(np.exp(rng.normal(-0.22, 0.26)))  # condensed and extended typefaces
    size = max(height, width * aspect)
    fill = float(np.clip(rng.normal(0.82, 0.11), 0.55, 1.1))
    scale = size / fill  # the sheet's pixels in one frame
    angle = rng.normal(0, 0.05) + (rng.normal(0, 0.35) if rng.random() < 0.08 else 0)
    slant = rng.normal(0, 0.1) + (rng.normal(0, 0.25) if rng.random() < 0.15 else 0)
    keystone = rng.normal(0, 0.1, 2)
    offset = rng.normal(0, 0.04, 2)
    grid = _GRID + _bend(rng) + offset
    depth = 1 + grid @ keystone
    x = grid[..., 0] * np.cos(angle) - grid[..., 1] * np.sin(angle)
    y = grid[..., 0] * np.sin(angle) + grid[..., 1] * np.cos(angle)
    x = (x + slant * y) / depth * scale / aspect + (SHEET_WIDTH - 1) / 2
    y = y / depth * scale + (SHEET_HEIGHT - 1) / 2
    seen = cv2.remap(
        sheet,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return seen.astype(np.float32) / np.float32(255)  # type: ignore[no-any-return]


def _bend(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Smooth displacements [VIEW, VIEW, 2]: bent metal, and shapes that no font has."""
    knots = rng.normal(0, rng.uniform(0, 0.04), (4, 4, 2))
    return np.asarray(cv2.resize(knots, (VIEW, VIEW), interpolation=cv2.INTER_CUBIC))
