"""Deals examples like cards."""

import numpy as np

from fog_flower.seeds import generator
from fog_flower.tasks.examples import Indices


def deal(indices: Indices, groups: Indices, hands: int, seed: int) -> list[Indices]:
    """Divide examples among ``hands``, stratified by group; sizes differ by at most 1."""
    shuffled = generator(seed, "deal").permutation(indices)
    by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
    return [np.sort(by_group[hand::hands]) for hand in range(hands)]
