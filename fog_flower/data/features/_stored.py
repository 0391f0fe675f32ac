"""Reads the constants of a map, made once on rendered digits: ``NAME.json`` beside ``NAME.py``.

They are JSON because Flower's bundle takes no binary files.
"""

import base64
import functools
import json
from pathlib import Path

import numpy as np

from fog_flower.tasks.examples import Array


def place(name: str) -> Path:
    """Return the path of a map's constants."""
    return Path(__file__).with_name(f"{name}.json")


@functools.cache
def stored(name: str) -> list[Array]:
    """Return the constant arrays of a map as float32; they are stored as float16."""
    told = json.loads(place(name).read_text())["arrays"]
    return [
        np.frombuffer(base64.b64decode(one["float16"]), "<f2").reshape(one["shape"]).astype("f4")
        for one in told
    ]
