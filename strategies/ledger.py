"""The privacy ledger ``privacy.json``: what leaves each tier, who sees it, and its guarantee."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flwr.serverapp.strategy import Strategy

from fog_flower.config import FITTED, OFF, SEEDED, RunConfig
from fog_flower.privacy.guarantee import BOTH, Guarantee
from fog_flower.privacy.ledger import UPDATES, Release, worst_of_nodes
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.records.files import write_json
from strategies.handshake import Introduction
from strategies.masked_groups import MaskedGroups

LEDGER = "privacy.json"
EACH_W = "W after each round"


class Ledger:
    """The privacy ledger of a run, for all configured rounds.

    Parameters
    ----------
    folder : Path
        The folder of the run.
    config : RunConfig
    strategy : Strategy, optional
        If it has a method ``guarantee(rounds)``, that is the guarantee of W.
    masks : MaskedGroups, optional
        Knows in which rounds so far the groups differed from the usual ones.
    repeats : Repeats
        What a continued run releases again.
    """

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        strategy: Strategy | None = None,
        masks: MaskedGroups | None = None,
        repeats: Repeats = ONCE,
    ) -> None:
        self._path = folder / LEDGER
        self._config = config
        self._strategy = strategy
        self._masks = masks
        self._repeats = repeats
        self._written: tuple[list[Introduction], list[int]] | None = None

    def write(self, nodes: Iterable[Introduction]) -> None:
        """Write the releases that fog nodes report; where they differ, the weakest guarantee.

        Nothing is written if nodes and groups are the same as in the last call.
        """
        changed = list(self._masks.changed) if self._masks else []
        now = list(nodes), changed
        if now != self._written:
            write_json(self._path, _told(self._config, *now, self._strategy, self._repeats))
            self._written = now


def _told(
    config: RunConfig,
    nodes: Sequence[Introduction],
    regrouped: Sequence[int],
    strategy: Strategy | None,
    repeats: Repeats,
) -> dict[str, Any]:
    releases = worst_of_nodes(one.releases for one in nodes)
    if regrouped:
        releases = [_regrouped(one, regrouped) for one in releases]
    releases += of_cloud(config, releases)
    if promise := getattr(strategy, "guarantee", None):
        guarantee = promise(config.num_server_rounds + repeats.rounds)
        seeded = guarantee.promises and config.noise_source == SEEDED
        if guarantee.promises:  # drop the entry of W that promises nothing
            releases = [one for one in releases if one.name != EACH_W or one.guarantee.promises]
        releases.append(Release("W of all rounds", "cloud", "everybody", guarantee, seeded))
    return {
        "noise_source": config.noise_source,
        "warning": (
            "noise-source=seeded: whoever knows the run's seed can draw the noise again and take "
            "it away, so nothing here protects anybody outside of a simulation"
        )
        if config.noise_source == SEEDED and any(one.seeded for one in releases)
        else "",
        "holds_for": "all rounds of the configuration; for fewer it is an upper bound",
        "releases": [one.to_json() for one in releases],
    }


def _regrouped(release: Release, rounds: Sequence[int]) -> Release:
    if release.name != UPDATES:
        return release
    told = (
        f"masked groups of other fog nodes in round {', '.join(map(str, rounds))}, because one "
        "was missing or rehearsed: their difference from the usual sums is about its dW"
    )
    one = release.guarantee
    guarantee = dataclasses.replace(one, uncovered=(*one.uncovered, told))
    return dataclasses.replace(release, guarantee=guarantee)


def of_cloud(config: RunConfig, told: Iterable[Release]) -> list[Release]:
    """Return the releases of the cloud, given those of the fog nodes."""
    update = next((one for one in told if one.name == UPDATES), None)
    merged = update.guarantee if update else Guarantee("none", part=BOTH)
    if merged.promises:
        told_of = f"post-processing of every dW ({merged.mechanism})"
        merged = dataclasses.replace(merged, mechanism=told_of)
    seeded = bool(update and update.seeded)
    releases = [Release(EACH_W, "cloud", "everybody", merged, seeded)]
    if config.gate != OFF:
        releases += [
            Release(
                "decisions and weights: what they tell of fog nodes",
                "cloud",
                "everybody",
                merged,
                seeded,
            ),
            Release(
                "decisions and accuracy of W: what they tell of the cloud's examples",
                "cloud",
                "everybody",
                Guarantee("none", uncovered=("the cloud's validation examples",)),
            ),
        ]
    if config.cloud_examples:
        releases.append(
            Release(
                "what the cloud trains, in W",
                "cloud",
                "everybody",
                Guarantee("none", uncovered=("the cloud's own training examples",)),
            )
        )
    if config.refit_epochs:
        seen = ("the cloud's own training examples", "the cloud's validation examples")
        releases.append(
            Release(
                "the final W, which the cloud trained on all of its examples",
                "cloud",
                "everybody",
                Guarantee("none", uncovered=seen if config.cloud_examples else seen[1:]),
            )
        )
    if config.normalisation == FITTED:
        releases.append(
            Release(
                "constants of preprocessing, fitted to all training examples",
                "end node",
                "everybody",
                Guarantee("none", uncovered=("what they tell of any training example",)),
            )
        )
    return releases
