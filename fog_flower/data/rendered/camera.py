"""What the camera and the file format do to the picture."""

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.scene import Picture
from fog_flower.data.rendered.shape import IMAGE_SHAPE

SIDE = IMAGE_SHAPE[0]
MIN_CONTRAST = 4.0  # standard deviation of the grey levels; less shows no digit


def photograph(picture: Picture, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Take a small photo of the picture and scale it to an image, uint8 [SIDE, SIDE, 3].

    Most of SVHN's digits were smaller than 32 pixels in the street photo and have been enlarged.
    """
    side = int(np.clip(np.exp(rng.normal(3.25, 0.42)), 9, 48))
    sigma = rng.uniform(0.25, 0.75) * len(picture) / side
    photo = cv2.GaussianBlur(picture, (0, 0), sigma)
    if rng.random() < 0.12:
        photo = cv2.filter2D(photo, -1, _motion(rng, 0.16 * len(picture)))
    photo = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.6:  # cameras sharpen, and leave halos
        soft = cv2.GaussianBlur(photo, (0, 0), 1.2)
        photo += (photo - soft) * rng.uniform(0.2, 1.5)
    photo += rng.normal(0, rng.gamma(1.5, 0.6), photo.shape)
    photo = _expose(photo, rng)
    if rng.random() < 0.6:
        quality = int(rng.integers(35, 95))
        _, code = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])
        photo = cv2.imdecode(code, cv2.IMREAD_COLOR)
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC
    photo = cv2.resize(photo, (SIDE, SIDE), interpolation=how)
    return _stretched(np.asarray(photo, np.uint8))


def _stretched(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the image, or if its contrast got lost on the way, one with what is left of it."""
    if image.mean(axis=2).std() >= MIN_CONTRAST:
        return image
    least, most = float(image.min()), float(image.max())
    return np.asarray((image - least) * (128 / max(most - least, 1.0)) + 64, np.uint8)


def _motion(rng: np.random.Generator, length: float) -> npt.NDArray[np.float32]:
    """Return the kernel of a straight movement of up to ``length`` pixels."""
    size = max(3, int(length * rng.uniform(0.3, 1)) | 1)
    kernel = np.zeros((size, size), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (size // 2)
    centre = np.array([size // 2, size // 2])
    ends = np.round([centre - reach, centre + reach]).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _expose(photo: Picture, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Colour cast and rounding to 8 bits; an image that shows nothing gets more contrast."""
    cast = 1 + rng.normal(0, 0.04, 3) + (-0.02, 0.0, 0.03)  # street photos are a little blue
    exposed = photo * cast
    deviation = float(exposed.mean(axis=2).std())
    if deviation < 2 * MIN_CONTRAST:
        mean = exposed.mean(axis=(0, 1))
        exposed = (exposed - mean) * (2 * MIN_CONTRAST / max(deviation, 1e-3))
        exposed += np.clip(mean, 40, 215)  # room on both sides, so that nothing is cut off
    return np.clip(np.round(exposed), 0, 255).astype(np.uint8)
