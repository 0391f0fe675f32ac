"""Strategies of other people that Flower does not have, a file each, to compare with."""

from fog_flower.named import Catalogue

RULES = Catalogue(__name__, "strategy", own="module:Class")
