"""Published strategies that Flower does not have, one file each, for comparison."""

from fog_flower.named import Catalogue

RULES = Catalogue(__name__, "strategy", own="module:Class")
