"""Fixed maps from inputs to features, one file each. Every tier applies the configured one.

``map(inputs)`` takes float32 inputs [n, ...], as a model would see them, and returns their features
[n, ...]. It learns nothing from the data of the run, so it costs no privacy.
"""

from fog_flower.named import Catalogue

FEATURES = Catalogue(__name__, "features", own="module:function")
