"""A house number as flat ink: the digit, its neighbours, the plate they are on."""

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.fonts import DIGIT_HEIGHT, Glyph, typefaces
from fog_flower.data.rendered.strokes import draw_hand, write

SHEET_WIDTH, SHEET_HEIGHT = 176, 112  # pixels
INK, PLATE, RIM = range(3)
_PEN_SHARE = 0.22  # numbers drawn with a pen instead of a font
# SVHN's labelled digits by the length of the number they are part of: 7%, 50%, 35%, 8%.
_LENGTHS = np.cumsum([0.07, 0.50, 0.35, 0.08])

Sheet = npt.NDArray[np.uint8]  # [SHEET_HEIGHT, SHEET_WIDTH, 3]: INK, PLATE, RIM


def draw_number(digit: int, rng: np.random.Generator) -> tuple[Sheet, float, float]:
    """Draw a house number around ``digit``, which is centred.

    Returns
    -------
    (sheet, width, height)
        The sheet's three masks, and the digit's own size in the sheet's pixels.
    """
    length = 1 + int(np.searchsorted(_LENGTHS, rng.random() * _LENGTHS[-1]))
    position = int(rng.integers(length))
    others = rng.integers(10, size=2)
    wanted = [
        int(others[0]) if position > 0 else -1,
        digit,
        int(others[1]) if position < length - 1 else -1,
    ]
    glyphs = _glyphs(wanted, rng)
    own = glyphs[1]
    assert own is not None
    ink = np.zeros((SHEET_HEIGHT, SHEET_WIDTH), np.uint8)
    height, width = own.mask.shape
    left, top = (SHEET_WIDTH - width) // 2, (SHEET_HEIGHT - height) // 2
    line = top - own.top  # where the tallest digit begins
    gap = rng.gamma(2.0, 3.0) + (-2 if rng.random() < 0.3 else 1)
    _stamp(ink, own.mask, left, top)
    jitter = rng.normal(0, 1.2, 4)
    start, end = left, left + width
    if glyphs[0] is not None:
        start = round(left - gap + jitter[0]) - glyphs[0].mask.shape[1]
        _stamp(ink, glyphs[0].mask, start, round(line + glyphs[0].top + jitter[1]))
    if glyphs[2] is not None:
        begin = round(end + gap + jitter[2])
        _stamp(ink, glyphs[2].mask, begin, round(line + glyphs[2].top + jitter[3]))
        end = begin + glyphs[2].mask.shape[1]
    # Beyond the neighbours there may be more digits, and the plate reaches over those.
    start = -40 if position > 1 else start
    end = SHEET_WIDTH + 40 if length - position > 2 else end
    sheet = np.zeros((SHEET_HEIGHT, SHEET_WIDTH, 3), np.uint8)
    sheet[..., INK] = _change_weight(ink, rng)
    if rng.random() < 0.4:
        _draw_plate(sheet, (start, line, end, line + DIGIT_HEIGHT), rng)
    return sheet, float(width), float(height)


def _glyphs(digits: list[int], rng: np.random.Generator) -> list[Glyph | None]:
    if rng.random() < _PEN_SHARE:
        hand = draw_hand(rng)
        return [write(digit, hand, rng) if digit >= 0 else None for digit in digits]
    faces = typefaces()
    face = faces[rng.integers(len(faces))]
    return [face[digit] if digit >= 0 else None for digit in digits]


def _stamp(ink: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8], left: int, top: int) -> None:
    """Put a mask on the sheet, cut at the sheet's edges."""
    rows, columns = mask.shape
    y0, y1 = max(0, top), min(SHEET_HEIGHT, top + rows)
    x0, x1 = max(0, left), min(SHEET_WIDTH, left + columns)
    if y0 < y1 and x0 < x1:
        part = ink[y0:y1, x0:x1]
        np.maximum(part, mask[y0 - top : y1 - top, x0 - left : x1 - left], out=part)


def _change_weight(ink: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Make the strokes bolder or thinner."""
    size = int(rng.choice([0, 3, 5, 7], p=[0.5, 0.25, 0.17, 0.08]))
    if not size:
        return ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if rng.random() < 0.65:
        return np.asarray(cv2.dilate(ink, kernel), np.uint8)
    thinner = np.asarray(cv2.erode(ink, kernel), np.uint8)
    # A thin font does not survive this.
    return thinner if thinner.sum(dtype=np.int64) > 0.45 * ink.sum(dtype=np.int64) else ink


def _draw_plate(
    sheet: Sheet, box: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    """Draw the plate, and perhaps a rim along its edge, around the number's box."""
    margin = DIGIT_HEIGHT * rng.uniform(0.05, 0.5, 2)
    left, top = round(box[0] - margin[0]), round(box[1] - margin[1])
    right, bottom = round(box[2] + margin[0]), round(box[3] + margin[1])
    plate = np.zeros((SHEET_HEIGHT, SHEET_WIDTH), np.uint8)
    cv2.rectangle(plate, (left, top), (right, bottom), 255, -1)
    sheet[..., PLATE] = plate
    if rng.random() < 0.4:
        inset, thickness = int(rng.integers(0, 5)), int(rng.integers(1, 5))
        rim = np.zeros((SHEET_HEIGHT, SHEET_WIDTH), np.uint8)
        corners = (left + inset, top + inset), (right - inset, bottom - inset)
        cv2.rectangle(rim, *corners, 255, thickness)
        sheet[..., RIM] = np.where(sheet[..., INK] > 0, 0, rim)
