"""Gates: rules that decide which updates are merged, one file each, independent of Flower.

Each is a class with a method ``judge(trial)``. ``gate-args`` are the arguments of its constructor.
Set ``gate=module:Class`` to use a class of your own.
"""

from fog_flower.config import OFF
from fog_flower.named import Catalogue

GATES = Catalogue(__name__, "gate", own="module:Class", no_files=(OFF,))
