"""Digits drawn with a brush: wrought iron, painted and hand-written house numbers.

Fonts of that kind are rare in packages, and each house has its own. So a digit is a few strokes
through control points that wander from image to image, drawn with a pen of any shape.
"""

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.fonts import DIGIT_HEIGHT, Glyph

_MARGIN = 16  # pixels around the box, for the pen and for points that wander
_SUBPIXEL_BITS = 4

# A stroke is control points (x, y), y downwards, in a unit box; curved ones go through a spline.
Stroke = tuple[bool, tuple[tuple[float, float], ...]]
_CURVED, _STRAIGHT = True, False


def _ellipse(x: float, y: float, width: float, height: float, start: float) -> Stroke:
    angles = start + np.linspace(0, 2 * np.pi, 9)
    points = zip(x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles), strict=True)
    return _CURVED, tuple((float(a), float(b)) for a, b in points)


def _turned(strokes: tuple[Stroke, ...]) -> tuple[Stroke, ...]:
    return tuple((curved, tuple((1 - x, 1 - y) for x, y in points)) for curved, points in strokes)


_BOWL = ((0.42, 0.45), (0.8, 0.53), (0.95, 0.75), (0.75, 0.96), (0.4, 1.0), (0.05, 0.84))
_SIX: tuple[tuple[Stroke, ...], ...] = (
    (
        (
            _CURVED,
            (
                (0.82, 0.05),
                (0.45, 0.12),
                (0.12, 0.45),
                (0.06, 0.75),
                (0.32, 0.99),
                (0.68, 0.98),
                (0.94, 0.76),
                (0.84, 0.52),
                (0.5, 0.42),
                (0.14, 0.6),
            ),
        ),
    ),
    (
        (_CURVED, ((0.9, 0.15), (0.6, 0.0), (0.22, 0.13), (0.06, 0.5), (0.1, 0.72))),
        _ellipse(0.5, 0.7, 0.88, 0.6, np.pi),
    ),
    ((_STRAIGHT, ((0.72, 0.0), (0.1, 0.6))), _ellipse(0.5, 0.69, 0.9, 0.62, np.pi)),
)
# The ways in which people write each digit.
FORMS: tuple[tuple[tuple[Stroke, ...], ...], ...] = (
    ((_ellipse(0.5, 0.5, 0.9, 1.0, -np.pi / 2),),),
    (
        ((_STRAIGHT, ((0.5, 0.0), (0.5, 1.0))),),
        ((_STRAIGHT, ((0.2, 0.24), (0.58, 0.0), (0.58, 1.0))),),
        (
            (_STRAIGHT, ((0.2, 0.22), (0.52, 0.0), (0.52, 1.0))),
            (_STRAIGHT, ((0.2, 1.0), (0.85, 1.0))),
        ),
    ),
    (
        (
            (
                _CURVED,
                (
                    (0.05, 0.28),
                    (0.2, 0.05),
                    (0.5, 0.0),
                    (0.85, 0.1),
                    (0.92, 0.32),
                    (0.75, 0.55),
                    (0.35, 0.82),
                    (0.03, 1.0),
                ),
            ),
            (_STRAIGHT, ((0.03, 1.0), (0.97, 1.0))),
        ),
        (
            (
                _CURVED,
                ((0.1, 0.2), (0.4, 0.0), (0.85, 0.12), (0.85, 0.4), (0.5, 0.7), (0.1, 0.98)),
            ),
            (_CURVED, ((0.1, 0.98), (0.35, 0.86), (0.65, 0.98), (0.98, 0.92))),
        ),
        (
            (
                _CURVED,
                (
                    (0.22, 0.3),
                    (0.08, 0.2),
                    (0.35, 0.01),
                    (0.8, 0.05),
                    (0.92, 0.33),
                    (0.55, 0.7),
                    (0.1, 0.95),
                    (0.3, 0.88),
                    (0.7, 1.0),
                    (0.98, 0.84),
                ),
            ),
        ),
    ),
    (
        (
            (
                _CURVED,
                ((0.07, 0.17), (0.3, 0.01), (0.65, 0.02), (0.88, 0.2), (0.8, 0.37), _BOWL[0]),
            ),
            (_CURVED, _BOWL),
        ),
        ((_STRAIGHT, ((0.08, 0.0), (0.9, 0.0), _BOWL[0])), (_CURVED, _BOWL)),
        ((_STRAIGHT, ((0.1, 0.12), (0.12, 0.0), (0.85, 0.0), (0.3, 0.42))), (_CURVED, _BOWL)),
    ),
    (
        ((_STRAIGHT, ((0.72, 1.0), (0.72, 0.0), (0.03, 0.68), (0.98, 0.68))),),
        (
            (_STRAIGHT, ((0.28, 0.0), (0.05, 0.6), (0.97, 0.6))),
            (_STRAIGHT, ((0.7, 0.25), (0.7, 1.0))),
        ),
    ),
    (
        (
            (_STRAIGHT, ((0.88, 0.0), (0.2, 0.0), (0.14, 0.46))),
            (
                _CURVED,
                (
                    (0.14, 0.46),
                    (0.5, 0.36),
                    (0.9, 0.52),
                    (0.93, 0.76),
                    (0.65, 0.98),
                    (0.3, 0.99),
                    (0.04, 0.86),
                ),
            ),
        ),
    ),
    _SIX,
    (
        ((_STRAIGHT, ((0.03, 0.0), (0.97, 0.0), (0.35, 1.0))),),
        (
            (_STRAIGHT, ((0.03, 0.0), (0.97, 0.0))),
            (_CURVED, ((0.97, 0.0), (0.6, 0.4), (0.42, 1.0))),
        ),
        (
            (_CURVED, ((0.03, 0.16), (0.1, 0.02), (0.4, 0.08), (0.7, 0.08), (0.95, 0.0))),
            (_CURVED, ((0.95, 0.0), (0.65, 0.35), (0.48, 0.65), (0.42, 1.0))),
        ),
        (
            (_STRAIGHT, ((0.03, 0.02), (0.97, 0.0), (0.35, 1.0))),
            (_STRAIGHT, ((0.3, 0.5), (0.85, 0.48))),
        ),
    ),
    (
        (
            _ellipse(0.5, 0.24, 0.74, 0.48, np.pi / 2),
            _ellipse(0.5, 0.74, 0.92, 0.52, -np.pi / 2),
        ),
        (
            (
                _CURVED,
                (
                    (0.85, 0.15),
                    (0.5, 0.0),
                    (0.15, 0.18),
                    (0.5, 0.46),
                    (0.93, 0.75),
                    (0.5, 1.0),
                    (0.07, 0.75),
                    (0.5, 0.46),
                    (0.85, 0.15),
                ),
            ),
        ),
    ),
    tuple(_turned(form) for form in _SIX),
)


@dataclasses.dataclass(frozen=True)
class Hand:
    """What the digits of one number have in common.

    Attributes
    ----------
    pen : uint8 [k, k], the pen's footprint
    width : float
        Of a digit, as a part of its height.
    wander : float
        Standard deviation of the control points, as a part of the height.
    """

    pen: npt.NDArray[np.uint8]
    width: float
    wander: float


def draw_hand(rng: np.random.Generator) -> Hand:
    """Draw a pen and a habit."""
    length = int(rng.integers(3, 13))
    flat = rng.random() < 0.4  # a broad nib, whose strokes are thick and thin
    thickness = max(2, round(length * rng.uniform(0.3, 0.6))) if flat else length
    size = length | 1
    pen = np.zeros((size, size), np.uint8)
    axes = (size // 2, max(1, thickness // 2))
    angle = float(rng.uniform(0, 180))
    cv2.ellipse(pen, (size // 2, size // 2), axes, angle, 0, 360, 1, -1)
    return Hand(pen, rng.uniform(0.42, 0.72), rng.uniform(0.005, 0.035))


def write(digit: int, hand: Hand, rng: np.random.Generator) -> Glyph:
    """Write one digit."""
    forms = FORMS[digit]
    form = forms[rng.integers(len(forms))]
    width = hand.width * DIGIT_HEIGHT * (0.7 if digit == 1 else 1.0)
    shape = (DIGIT_HEIGHT + 2 * _MARGIN, int(width) + 2 * _MARGIN)
    canvas = np.zeros(shape, np.uint8)
    shift = rng.normal(0, hand.wander, (2,))
    for curved, points in form:
        control = np.array(points) + rng.normal(0, hand.wander, (len(points), 2)) + shift
        if points[0] == points[-1]:
            control[-1] = control[0]
        line = _spline(control) if curved else control
        pixels = line * (width, DIGIT_HEIGHT) + _MARGIN
        fixed = np.round(pixels * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.polylines(canvas, [fixed], False, 255, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    canvas = cv2.dilate(canvas, hand.pen)
    x, y, columns, rows = cv2.boundingRect(canvas)
    return Glyph(canvas[y : y + rows, x : x + columns], y - _MARGIN)


def _spline(control: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a Catmull-Rom spline through the control points [n, 2], 6 points between two."""
    before = np.vstack([control[:1], control[:-2]])
    start, end = control[:-1], control[1:]
    after = np.vstack([control[2:], control[-1:]])
    t = np.linspace(0, 1, 7)[:, None, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)
