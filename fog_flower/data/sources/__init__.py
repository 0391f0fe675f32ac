"""Data sources, one file each: a function from a ``Request`` to a ``Dataset``.

``dataset-args`` are its keyword arguments.
"""

from fog_flower.named import Catalogue

SOURCES = Catalogue(__name__, "dataset", own="module:function")
