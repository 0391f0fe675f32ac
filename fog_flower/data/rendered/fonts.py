"""The typefaces: fonts that ship inside our pip dependencies, and nothing else.

The list is explicit, so that the images do not depend on what else is installed.
"""

import dataclasses
import functools
import importlib.metadata

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

DIGIT_HEIGHT = 56  # pixels, of a typeface's tallest digit
_FIRST_SIZE = 64  # points; the first try, from which the right size follows

# distribution -> folder of its font files -> the ones we use; "@" and the weight of a variable font
FONT_FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "matplotlib": {
        "matplotlib/mpl-data/fonts/ttf": (
            "DejaVuSans.ttf",
            "DejaVuSans-Bold.ttf",
            "DejaVuSans-Oblique.ttf",
            "DejaVuSans-BoldOblique.ttf",
            "DejaVuSansMono.ttf",
            "DejaVuSansMono-Bold.ttf",
            "DejaVuSerif.ttf",
            "DejaVuSerif-Bold.ttf",
            "DejaVuSerif-Italic.ttf",
            "DejaVuSerif-BoldItalic.ttf",
            "STIXGeneral.ttf",
            "STIXGeneralBol.ttf",
            "STIXGeneralItalic.ttf",
            "STIXGeneralBolIta.ttf",
            "cmr10.ttf",
            "cmb10.ttf",
            "cmss10.ttf",
            "cmtt10.ttf",
            "cmti10.ttf",
            "cmmi10.ttf",
        )
    },
    "font-roboto": {
        "font_roboto/files": (
            "Roboto-Light.ttf",
            "Roboto-Regular.ttf",
            "Roboto-Italic.ttf",
            "Roboto-Medium.ttf",
            "Roboto-Bold.ttf",
            "Roboto-BoldItalic.ttf",
            "Roboto-Black.ttf",
        )
    },
    "font-source-sans-pro": {
        "font_source_sans_pro/files": (
            "SourceSansPro-Light.ttf",
            "SourceSansPro-Regular.ttf",
            "SourceSansPro-It.ttf",
            "SourceSansPro-Semibold.ttf",
            "SourceSansPro-Bold.ttf",
            "SourceSansPro-BoldIt.ttf",
            "SourceSansPro-Black.ttf",
        )
    },
    "font-source-serif-pro": {
        "font_source_serif_pro/files": (
            "SourceSerifPro-Light.ttf",
            "SourceSerifPro-Regular.ttf",
            "SourceSerifPro-It.ttf",
            "SourceSerifPro-Semibold.ttf",
            "SourceSerifPro-Bold.ttf",
            "SourceSerifPro-BoldIt.ttf",
            "SourceSerifPro-Black.ttf",
        )
    },
    "font-manrope": {
        "font_manrope/files": (
            "Manrope-Light.ttf",
            "Manrope-Regular.ttf",
            "Manrope-Medium.ttf",
            "Manrope-Bold.ttf",
            "Manrope-ExtraBold.ttf",
        )
    },
    "font-hanken-grotesk": {
        "font_hanken_grotesk/files": (
            "HankenGrotesk-Light.otf",
            "HankenGrotesk-Regular.otf",
            "HankenGrotesk-Italic.otf",
            "HankenGrotesk-SemiBold.otf",
            "HankenGrotesk-Bold.otf",
        )
    },
    "font-caladea": {
        "font_caladea/files": (
            "Caladea-Regular.ttf",
            "Caladea-Bold.ttf",
            "Caladea-Italic.ttf",
            "Caladea-BoldItalic.ttf",
        )
    },
    "font-fredoka-one": {"font_fredoka_one/files": ("FredokaOne-Regular.ttf",)},
    "font-amatic-sc": {"font_amatic_sc/files": ("AmaticSC-Regular.ttf", "AmaticSC-Bold.ttf")},
    "font-intuitive": {"font_intuitive/files": ("Intuitive.ttf",)},
    "fontpkg-abril-fatface": {"fontpkg_abril_fatface/files": ("AbrilFatface-Regular.ttf",)},
    "fontpkg-anton": {"fontpkg_anton/files": ("Anton-Regular.ttf",)},
    "fontpkg-dancing-script": {
        "fontpkg_dancing_script/files": ("DancingScript[wght].ttf", "DancingScript[wght].ttf@700")
    },
    "fontpkg-lobster-two": {
        "fontpkg_lobster_two/files": (
            "LobsterTwo-Regular.ttf",
            "LobsterTwo-Italic.ttf",
            "LobsterTwo-Bold.ttf",
            "LobsterTwo-BoldItalic.ttf",
        )
    },
    "fontpkg-oswald": {
        "fontpkg_oswald/files": (
            "Oswald[wght].ttf@300",
            "Oswald[wght].ttf@450",
            "Oswald[wght].ttf@600",
            "Oswald[wght].ttf@700",
        )
    },
    "fontpkg-playfair-display": {
        "fontpkg_playfair_display/files": (
            "PlayfairDisplay[wght].ttf@500",
            "PlayfairDisplay[wght].ttf@800",
            "PlayfairDisplay-Italic[wght].ttf@600",
        )
    },
}


@dataclasses.dataclass(frozen=True)
class Glyph:
    """One digit.

    Attributes
    ----------
    mask : uint8 [height, width], 255 is ink; without empty rows or columns
    top : int
        Pixels from the top of the tallest digit to the mask's first row. Not 0 in old-style
        figures, some of which reach below the line.
    """

    mask: npt.NDArray[np.uint8]
    top: int


Typeface = tuple[Glyph, ...]  # of the digits 0 to 9


@functools.cache
def typefaces() -> tuple[Typeface, ...]:
    """Load all typefaces, once in a process.

    Raises
    ------
    RuntimeError
        If a package or a font is missing. Fewer fonts would silently be other images.
    """
    return tuple(
        _load(_locate(distribution, f"{folder}/{file}"))
        for distribution, folders in FONT_FILES.items()
        for folder, files in folders.items()
        for file in files
    )


@functools.cache
def typeface_shares() -> npt.NDArray[np.float64]:
    """Return how often each typeface is used, cumulated, float64 [number of typefaces].

    A package of k fonts gets sqrt(k) shares: its weights and slants are more alike than the fonts
    of different packages, but each is worth something.
    """
    counts = [sum(len(files) for files in folders.values()) for folders in FONT_FILES.values()]
    shares = np.concatenate([np.full(count, count**-0.5) for count in counts])
    return np.asarray(np.cumsum(shares / shares.sum()), np.float64)


def font_versions() -> dict[str, str]:
    """Return the installed version of each package that carries fonts."""
    return {name: _distribution(name).version for name in FONT_FILES}


def _distribution(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise RuntimeError(
            f"the package {name!r}, which carries fonts for rendered-digits, is not installed: "
            f"pip install {name}"
        ) from error


def _locate(distribution: str, file: str) -> str:
    return str(_distribution(distribution).locate_file(file))


def _load(path_and_weight: str) -> Typeface:
    first_top, first_bottom = _extent(_open(path_and_weight, _FIRST_SIZE))
    font = _open(path_and_weight, _FIRST_SIZE * DIGIT_HEIGHT / (first_bottom - first_top))
    return tuple(_glyph(font, digit) for digit in "0123456789")


def _open(path_and_weight: str, size: float) -> ImageFont.FreeTypeFont:
    path, _, weight = path_and_weight.partition("@")
    try:
        # Basic layout, because the other one is not in every build of Pillow.
        font = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        if weight:
            font.set_variation_by_axes([float(weight)])
    except OSError as error:
        raise RuntimeError(f"rendered-digits lacks the font {path}: {error}") from error
    return font


def _extent(font: ImageFont.FreeTypeFont) -> tuple[float, float]:
    # Lining figures are all as tall as the 1; of old-style figures the 6 is the tallest.
    boxes = [font.getbbox(digit, anchor="ls") for digit in "16"]
    return min(box[1] for box in boxes), max(box[3] for box in boxes)


def _glyph(font: ImageFont.FreeTypeFont, digit: str) -> Glyph:
    baseline = 2 * DIGIT_HEIGHT
    canvas = Image.new("L", (3 * DIGIT_HEIGHT, 4 * DIGIT_HEIGHT))
    ImageDraw.Draw(canvas).text((DIGIT_HEIGHT, baseline), digit, 255, font, anchor="ls")
    pixels = np.asarray(canvas, np.uint8)
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    mask = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Glyph(np.ascontiguousarray(mask), int(rows[0]) - (baseline - DIGIT_HEIGHT))
