"""Rules that decide which updates are merged, one file each, independent of Flower.

Each is a class with a method ``judge(trial)``; ``gate-args`` are the arguments of its constructor.
A user's own is ``gate=module:Class``.
"""

from fog_flower.config import OFF
from fog_flower.named import Catalogue

GATES = Catalogue(__name__, "gate", own="module:Class", besides=(OFF,))
