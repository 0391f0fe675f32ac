"""Data sources, a file each: a function from a ``Request`` to a ``Dataset``."""

from fog_flower.named import Catalogue

SOURCES = Catalogue(__name__, "dataset", own="module:function")
