"""The privacy ledger ``privacy.json``: what leaves each tier, who sees it, and its guarantee."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flwr.serverapp.strategy import Strategy

from fog_flower.config import ENTROPY, FITTED, OFF, SEEDED, RunConfig
from fog_flower.privacy.guarantee import BOTH, Guarantee, composed
from fog_flower.privacy.ledger import COUNTS, METRICS, UPDATES, Release, worst_of_nodes
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.records.files import write_json
from strategies.handshake import Introduction
from strategies.masked_groups import MaskedGroups

LEDGER = "privacy.json"
EACH_W = "W after each round"
ALL_W = "W of all rounds"  # as the strategy itself promises
FIGURES = "length of dW, validation loss and accuracy of W + dW, training time"
CLOUD, IN_FILES = "cloud", "readers of the run's folder"
_KEPT = (
    "figures of each fog node and its dW, and who took part, which the run's own files keep "
    "(run.json, rounds.csv, updates.csv, curves.png) and its log shows: keep them in the cloud"
)
CONSTANTS = "constants of preprocessing, fitted to all training examples"


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
    releases += of_cloud(config, releases, strategy)
    promise = getattr(strategy, "guarantee", None)
    if config.trackers and not promise:  # else trackers get figures of W only
        releases = [_tracked(one, config.trackers) for one in releases]
    if promise:
        guarantee = promise(config.num_server_rounds + repeats.rounds).without(_KEPT)
        seeded = guarantee.promises and config.noise_source == SEEDED
        if guarantee.promises:  # drop the entry of W that promises nothing
            releases = [one for one in releases if one.name != EACH_W or one.guarantee.promises]
        releases.append(Release(ALL_W, CLOUD, "everybody", guarantee, seeded))
    if config.normalisation == FITTED:
        releases = [_beside(one, CONSTANTS) for one in releases]
    return {
        "noise_source": config.noise_source,
        "warning": (
            "noise-source=seeded: whoever knows the run's seed can draw the noise again and take "
            "it away, so nothing here protects anybody outside of a simulation"
        )
        if config.noise_source == SEEDED and any(one.seeded for one in releases)
        else "",
        "holds_for": "all rounds of the configuration; for fewer it is an upper bound",
        "continued": repeats.in_words() if config.noise_source == ENTROPY else "",
        "releases": [one.to_json() for one in releases],
    }


def _beside(release: Release, told: str) -> Release:
    """Return a release that names what else its promise, if it has one, does not cover."""
    one = release.guarantee
    if not one.promises or one.epsilon == 0.0:
        return release
    return dataclasses.replace(release, guarantee=one.without(told))


def _tracked(release: Release, trackers: Sequence[str]) -> Release:
    """Return a release that goes to trackers, too, if it does: figures of each fog node."""
    figures = release.name == FIGURES or (release.to == CLOUD and release.name != UPDATES)
    if not figures or release.guarantee.epsilon == 0.0:
        return release
    return dataclasses.replace(release, to=", ".join([release.to, *trackers]))


def _regrouped(release: Release, rounds: Sequence[int]) -> Release:
    if release.name != UPDATES:
        return release
    told = (
        f"masked groups of other fog nodes in round {', '.join(map(str, rounds))}, because one "
        "was missing or rehearsed: their difference from the usual sums is about its dW"
    )
    one = release.guarantee
    return dataclasses.replace(release, guarantee=one.without(told))


def of_cloud(
    config: RunConfig, told: Iterable[Release], strategy: Strategy | None = None
) -> list[Release]:
    """Return the releases of the cloud, given those of the fog nodes."""
    known = {one.name: one for one in told}
    merged, seeded = _of_merge(config, known)
    each_w = Release(EACH_W, CLOUD, "everybody", merged, seeded)
    releases = [_figures(known.get(UPDATES)), each_w]
    if config.gate != OFF:
        releases += [
            Release(
                "decisions and weights: what they tell of fog nodes",
                CLOUD,
                "everybody",
                merged,
                seeded,
            ),
        ]
    releases.append(
        Release(
            f"{_from_validation(config, strategy)}: what they tell of the cloud's examples",
            CLOUD,
            "everybody",
            Guarantee("none", uncovered=("the cloud's validation examples",)),
        )
    )
    if config.cloud_examples:
        releases.append(
            Release(
                "what the cloud trains, in W",
                CLOUD,
                "everybody",
                Guarantee("none", uncovered=("the cloud's own training examples",)),
            )
        )
    if config.refit_epochs:
        seen = ("the cloud's own training examples", "the cloud's validation examples")
        releases.append(
            Release(
                "the final W, which the cloud trained on all of its examples",
                CLOUD,
                "everybody",
                Guarantee("none", uncovered=seen if config.cloud_examples else seen[1:]),
            )
        )
    if config.normalisation == FITTED:
        releases.append(
            Release(
                CONSTANTS,
                "end node",
                "everybody",
                Guarantee("none", uncovered=("what they tell of any training example",)),
            )
        )
    return releases


def _figures(update: Release | None) -> Release:
    """Return the release of what the records say of each dW, or of the sum of a masked group.

    It is computed from dW, but for the training time, which a fog node reports.
    """
    told = update.guarantee if update else Guarantee("none", part=BOTH)
    if told.promises:
        told = dataclasses.replace(told, mechanism=f"post-processing of dW ({told.mechanism})")
    told = told.without("training time", "the cloud's validation examples")
    return Release(FIGURES, CLOUD, IN_FILES, told, bool(update and update.seeded))


def _of_merge(config: RunConfig, known: Mapping[str, Release]) -> tuple[Guarantee, bool]:
    """Return the guarantee of W, and whether a seed tells its noise.

    W is computed from every dW, from the numbers of examples that weigh them, and by some
    strategies from the losses, too.
    """
    if UPDATES not in known:
        return Guarantee("none", part=BOTH), False
    used, merged = [known[UPDATES]], known[UPDATES].guarantee
    if (counts := known.get(COUNTS)) and counts.guarantee.promises:
        used.append(counts)
    elif counts and merged.promises:
        told = "the numbers of examples, by which dW are weighed"
        merged = merged.without(told)
    if METRICS in known and _may_read_metrics(config.strategy):
        used.append(known[METRICS])
    for one in used[1:]:
        merged = composed(merged, one.guarantee)
    if merged.promises:
        what = "every dW" if len(used) == 1 else "every dW and what comes with it"
        mechanism = f"post-processing of {what} ({merged.mechanism})"
        merged = dataclasses.replace(merged, mechanism=mechanism)
    return merged, any(one.seeded for one in used)


def _may_read_metrics(strategy: str) -> bool:
    """Check whether a strategy may compute W from losses, too; of Flower's only QFedAvg does."""
    return strategy == "QFedAvg" or ":" in strategy


def _from_validation(config: RunConfig, strategy: Strategy | None) -> str:
    """Return what is computed from the cloud's validation examples, in words."""
    if config.gate != OFF:
        return "decisions and accuracy of W"
    trains = hasattr(strategy, "reference_trainer") and not config.cloud_examples
    return "W, trained with them, and its accuracy" if trains else "loss and accuracy of W"
