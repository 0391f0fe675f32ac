"""A house number as flat ink: the digit, its neighbours, the plate they are on."""

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.fonts import DIGIT_HEIGHT, Glyph, typeface_shares, typefaces
from fog_flower.data.rendered.strokes import draw_hand, write

SHEET_WIDTH, SHEET_HEIGHT = 176, 112  # pixels
INK, PLATE, RIM = range(3)
_PEN_SHARE = 0.26  # numbers drawn with a pen instead of a font
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
    # Narrow digits leave room in the frame for two neighbours on either side.
    before, after = min(position, 2), min(length - 1 - position, 2)
    others = rng.integers(10, size=4)
    digits = [*others[:before].tolist(), digit, *others[2 : 2 + after].tolist()]
    glyphs = _glyphs(digits, rng)
    own = glyphs[before]
    height, width = own.mask.shape
    left, top = (SHEET_WIDTH - width) // 2, (SHEET_HEIGHT - height) // 2
    line = top - own.top  # where the tallest digit begins
    gap = rng.gamma(2.0, 2.8) + (-3 if rng.random() < 0.35 else 0.5)
    jitter = rng.normal(0, 1.8, (len(glyphs), 2))
    ink = np.zeros((SHEET_HEIGHT, SHEET_WIDTH), np.uint8)
    _stamp(ink, own.mask, left, top)
    start, end = left, left + width
    for i in range(before - 1, -1, -1):
        start = round(start - gap + jitter[i, 0]) - glyphs[i].mask.shape[1]
        _stamp(ink, glyphs[i].mask, start, round(line + glyphs[i].top + jitter[i, 1]))
    for i in range(before + 1, len(glyphs)):
        begin = round(end + gap + jitter[i, 0])
        _stamp(ink, glyphs[i].mask, begin, round(line + glyphs[i].top + jitter[i, 1]))
        end = begin + glyphs[i].mask.shape[1]
    sheet = np.zeros((SHEET_HEIGHT, SHEET_WIDTH, 3), np.uint8)
    ink = _change_weight(ink, rng)
    if rng.random() < 0.2:
        _add_marks(ink, (left, top, left + width, top + height), rng)
    sheet[..., INK] = ink
    if rng.random() < 0.5:
        _draw_plate(sheet, (start, line, end, line + DIGIT_HEIGHT), rng)
    return sheet, float(width), float(height)


def _glyphs(digits: list[int], rng: np.random.Generator) -> list[Glyph]:
    if rng.random() < _PEN_SHARE:
        hand = draw_hand(rng)
        return [write(digit, hand, rng) for digit in digits]
    chosen = int(np.searchsorted(typeface_shares()[:-1], rng.random()))
    face = typefaces()[chosen]
    return [face[digit] for digit in digits]


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


def _add_marks(
    ink: npt.NDArray[np.uint8], box: tuple[int, int, int, int], rng: np.random.Generator
) -> None:
    """Add screws, dashes and ornaments around the digit's box, never inside."""
    left, top, right, bottom = box
    for _ in range(int(rng.integers(1, 4))):
        dx, dy = rng.uniform(5, 30, 2)
        side = int(rng.integers(4))
        x = (left - dx, right + dx, rng.uniform(left, right), rng.uniform(left, right))[side]
        y = (rng.uniform(top, bottom), rng.uniform(top, bottom), top - dy, bottom + dy)[side]
        near = (dx if side < 2 else dy) - 3  # as far as the mark may reach
        axes = (
            max(1, round(min(near, rng.gamma(2, 2)))),
            max(1, round(min(near, rng.gamma(2, 2)))),
        )
        shade = float(rng.uniform(90, 255))
        cv2.ellipse(ink, (round(x), round(y)), axes, float(rng.uniform(0, 180)), 0, 360, shade, -1)


def _draw_plate(
    sheet: Sheet, box: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    """Draw the plate, and perhaps a rim along its edge, around the number's box."""
    margin = DIGIT_HEIGHT * rng.uniform(0.05, 0.4, 2)
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
