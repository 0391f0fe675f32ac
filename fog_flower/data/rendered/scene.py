"""Colour, light and material."""

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.layout import INK, PLATE, RIM
from fog_flower.data.rendered.warp import VIEW

Picture = npt.NDArray[np.float32]  # [VIEW, VIEW, 3], RGB, 0 to 255
Mask = npt.NDArray[np.float32]  # [VIEW, VIEW], 0 to 1
Colour = npt.NDArray[np.float64]  # [3]

_RAMP_Y, _RAMP_X = np.mgrid[-1 : 1 : VIEW * 1j, -1 : 1 : VIEW * 1j].astype(np.float32)
# Hues of house-number plates and walls, 0 to 1, with how often: blue, brown, red, green, any.
_HUES = ((0.62, 0.5), (0.08, 0.25), (0.0, 0.07), (0.4, 0.06))


def paint(masks: npt.NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """Paint wall, plate, shadow, ink and light.

    Parameters
    ----------
    masks : float32 [VIEW, VIEW, 3]
        INK, PLATE, RIM, each 0 to 1.
    """
    ink, plate, rim = masks[..., INK], masks[..., PLATE], masks[..., RIM]
    ground, ink_colour = _colours(rng)
    contrast = float(np.abs(ink_colour - ground).mean())
    carved = rng.random() < 0.05  # in one colour with the ground: only the light shows the digit
    if carved:
        ink_colour = ground + rng.normal(0, 8)
    picture = np.empty((VIEW, VIEW, 3), np.float32)
    picture[:] = ground
    picture += _texture(rng, contrast * rng.gamma(1.5, 0.06))[..., None]
    if plate.any():
        wall = _wall(ground, rng)
        picture = _over(wall, picture, plate)
        if rng.random() < 0.5:  # the plate's own thickness, darker below or above
            picture -= _shadow(plate, rng, reach=2.0)[..., None] * (1 - plate[..., None]) * 60
        picture = _over(picture, ink_colour.astype(np.float32), rim)
    picture = _relief(picture, ink, rng, 0.0 if carved else rng.random())
    filling = ink_colour + np.zeros((VIEW, VIEW, 3))
    filling += (
        _ramp(rng) * contrast * rng.gamma(1.5, 0.08)
        + _texture(rng, contrast * rng.gamma(1.2, 0.05))
    )[..., None]
    if carved or rng.random() < 0.2:  # bevelled metal: one flank is bright, the other dark
        filling += _bevel(ink, rng)[..., None] * rng.uniform(20, 80)
    picture = _over(picture, filling.astype(np.float32), ink * rng.uniform(0.85, 1.0))
    return _light(picture, rng)


def _colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Draw the ground's and the ink's colour; they differ in brightness, often only a little."""
    contrast = float(np.clip(rng.gamma(3.8, 21.0), 28, 190))
    middle = rng.uniform(contrast / 2, 255 - contrast / 2)
    if rng.random() < 0.7:
        middle = float(np.clip(rng.normal(120, 35), contrast / 2, 255 - contrast / 2))
    sign = 1 if rng.random() < 0.5 else -1
    return (
        _tint(middle - sign * contrast / 2, rng),
        _tint(middle + sign * contrast / 2, rng),
    )


def _tint(brightness: float, rng: np.random.Generator) -> Colour:
    """Return a colour of this brightness: mostly grey, at times a plate's blue or brown."""
    if rng.random() < 0.72:
        colour = brightness + rng.normal(0, 4, 3)
    else:
        draw = rng.random()
        hue = rng.random()
        for centre, share in _HUES:
            if draw < share:
                hue = centre + rng.normal(0, 0.03)
                break
            draw -= share
        pure = np.clip(np.abs((hue + np.array([0, 2, 1]) / 3) % 1 * 6 - 3) - 1, 0, 1)
        weights = np.array([0.3, 0.59, 0.11])
        # Add chroma without changing the brightness.
        colour = brightness + (pure - weights @ pure) * rng.uniform(10, 100)
    return np.clip(colour, 0, 255)


def _wall(ground: Colour, rng: np.random.Generator) -> Picture:
    """Paint what is around the plate: another colour, with patches or boards."""
    brightness = float(np.clip(ground.mean() + rng.normal(0, 40), 5, 250))
    colour = _tint(brightness, rng)
    wall = np.zeros((VIEW, VIEW, 3), np.float32) + colour.astype(np.float32)
    wall += _texture(rng, rng.gamma(2.0, 8.0))[..., None]
    return wall


def _texture(rng: np.random.Generator, strength: float) -> Mask:
    """Random patches of several sizes, in grey levels; stretched ones look like boards."""
    total = np.zeros((VIEW, VIEW), np.float32)
    for cells, share in ((3, 0.6), (8, 0.3), (24, 0.25)):
        rows, columns = cells, max(2, round(cells * rng.choice([0.3, 1.0, 1.0])))
        if rng.random() < 0.5:
            rows, columns = columns, rows
        patches = rng.normal(0, share * strength, (rows, columns)).astype(np.float32)
        total += cv2.resize(patches, (VIEW, VIEW), interpolation=cv2.INTER_LINEAR)
    return total


def _ramp(rng: np.random.Generator) -> Mask:
    """Return a plane from about -1 to 1 in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    return np.asarray(np.cos(angle) * _RAMP_X + np.sin(angle) * _RAMP_Y, np.float32)


def _relief(picture: Picture, ink: Mask, rng: np.random.Generator, draw: float) -> Picture:
    """Draw what raised digits do to their ground: a cast shadow, or an outline, or nothing."""
    if draw < 0.35:
        strength = rng.uniform(0.2, 0.75)
        return picture * (1 - strength * _shadow(ink, rng, reach=6.0))[..., None]
    if draw < 0.5:
        size = int(rng.choice([3, 5, 7]))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        colour = _tint(rng.uniform(0, 255), rng).astype(np.float32)
        return _over(picture, colour, cv2.dilate(ink, kernel) * rng.uniform(0.3, 1.0))
    return picture


def _shadow(mask: Mask, rng: np.random.Generator, reach: float) -> Mask:
    dx, dy = rng.uniform(-reach, reach), rng.uniform(-0.3 * reach, reach)
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(mask, shift, (VIEW, VIEW), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.5, 2.5)), np.float32)


def _bevel(ink: Mask, rng: np.random.Generator) -> Mask:
    soft = cv2.GaussianBlur(ink, (0, 0), rng.uniform(1.0, 3.0))
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.gradient(soft)
    flank = np.cos(angle) * slope[1] + np.sin(angle) * slope[0]
    return np.asarray(flank / (np.abs(flank).max() + 1e-6), np.float32)


def _light(picture: Picture, rng: np.random.Generator) -> Picture:
    """Uneven light, and now and then the edge of a shadow across everything."""
    picture = picture * (1 + rng.normal(0, 0.1) * _ramp(rng))[..., None]
    if rng.random() < 0.08:
        edge = np.clip(_ramp(rng) * rng.uniform(2, 12) + rng.normal(0, 1), 0, 1)
        picture *= (1 - rng.uniform(0.15, 0.5) * edge)[..., None]
    return picture.astype(np.float32)


def _over(below: Picture, above: npt.NDArray[np.float32], cover: Mask) -> Picture:
    return below + (above - below) * cover[..., None]
