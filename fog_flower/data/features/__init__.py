"""Fixed maps from inputs to features, which every tier applies: a file a map.

``map(inputs)`` takes float32 inputs [n, ...] as a model would see them, and returns features
[n, ...] of each. It learns nothing from anybody's data in the run, so it costs no privacy.
"""

from fog_flower.named import Catalogue

FEATURES = Catalogue(__name__, "features", own="module:function")
