"""Attack on single steps of models that do not begin with a Dense layer, by gradient matching."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np

from clients.local_training import examples_of
from fog_flower.config import RunConfig
from fog_flower.data.field import Field
from fog_flower.keras_weights import weights_of
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples
from fog_flower.weights import Weights
from simulations.audits.alike import correlations
from simulations.audits.bounds import proportion
from simulations.audits.end_nodes import as_shipped
from simulations.audits.few_examples import dealt, with_noise_of_run
from simulations.audits.finding import AuditFinding
from simulations.audits.gradient_matching import GradientMatching, Rows
from simulations.audits.kept_steps import Arrays, KeptSteps
from simulations.audits.promise import promised_of_update
from simulations.audits.received import (
    each_of_group,
    group_size,
    of_masks,
    received_update,
    split_in_group,
)
from simulations.visible import counted

BATCHES = (1, 4)
IMAGES = 8  # attacked at each batch size, over several nodes
CANDIDATES = 200  # images among which each guess is looked up
SECONDS_OF_SIZE = 120.0  # time limit for one batch size: large models take a minute an attack
PREFIX = "gradient matching, "
_PURPOSE = "audit gradient matching"


@dataclasses.dataclass(frozen=True)
class _Attacker:
    """Attacks one batch after the other, and keeps what it guessed."""

    config: RunConfig
    start: Weights
    shipped: Examples
    search: GradientMatching
    kept: KeptSteps

    def guesses(self, size: int, count: int, say: Callable[[int], None]) -> Rows:
        """Return the guesses [k, ...] about the first k images, in order of their batches.

        Parameters
        ----------
        size : int
            Images in a batch; with masks, in those of all nodes of a group together.
        count : int
            At most k; a multiple of ``size``.
        say : callable
            Called with the number of images after the next batch.
        """
        made: list[Arrays] = []
        for first in range(0, count, size):
            if sum(float(one["seconds"]) for one in made) > SECONDS_OF_SIZE:
                break
            say(first + size)
            made.append(self.kept(f"{size}-from-{first}", partial(self._of_batch, size, first)))
        return np.concatenate([one["guesses"] for one in made])

    def _of_batch(self, size: int, first: int) -> Arrays:
        began = time.perf_counter()
        batch = size // group_size(self.config)
        once = self.config.changed({"local-epochs": 1, "batch-size": batch})
        data = self.shipped.take(np.arange(first, first + size))
        nodes = split_in_group(once, data)
        delta = received_update(once, self.start, nodes, number=first // size)
        rng = generator(once.seed, _PURPOSE, size, first)
        guesses = self.search(self.start, delta, data.targets, rng)
        return {"guesses": guesses, "seconds": np.array(time.perf_counter() - began)}


def attack_by_matching(
    name: str,
    config: RunConfig,
    field: Field,
    model: keras.Model,
    folder: Path,
    say: Callable[[str], None],
) -> tuple[list[AuditFinding], dict[str, Rows]]:
    """Return the findings on steps on 1 and 4 images, and the guesses of each for a picture.

    These guesses are blurred, so an image counts as found if a guess from its batch correlates more
    with it than with any other candidate.

    Parameters
    ----------
    name : str
        Name of the audit.
    config : RunConfig
    field : Field
    model : keras.Model
        With W of the first round.
    folder : Path
        The guesses from each batch are kept there (``KeptSteps``).
    say : callable
        Called with a message before each batch.
    """
    rng = generator(config.seed, _PURPOSE)
    batches = [size * group_size(config) for size in BATCHES]
    counts = [max(IMAGES // size, 1) * size for size in batches]
    attacked, others = dealt(config, field, rng, max(counts), CANDIDATES - IMAGES)
    shared = field.seen(attacked)
    raw = shared.inputs
    candidates = np.concatenate([raw, field.seen(others).inputs])
    kept = KeptSteps(name, config, folder, IMAGES, CANDIDATES)
    attacker = _Attacker(
        with_noise_of_run(config, field),
        weights_of(model),
        Examples(**kept("shipped", lambda: dataclasses.asdict(as_shipped(config, field, shared)))),
        GradientMatching(
            model, field.dataset.task, float(candidates.min()), float(candidates.max())
        ),
        kept,
    )
    claimed = promised_of_update(config, examples_of(field, config, 0)).epsilon
    findings, shown = of_masks(config, name), {"raw": raw}
    for batch, size, count in zip(BATCHES, batches, counts, strict=True):
        images = counted(batch, "image") + each_of_group(config)
        what = f"{PREFIX}a step on {images}, honest W"
        found = attacker.guesses(size, count, partial(_say, say, f"audit {name}: {what}", count))
        nearest = correlations(found, candidates)
        # The order of the guesses within a batch is unknown.
        own = nearest[:, : len(found)].reshape(-1, size, len(found))
        alike = np.concatenate(
            [part[:, n * size : (n + 1) * size].max(axis=0) for n, part in enumerate(own)]
        )
        met = enumerate(nearest.argmax(axis=1).tolist())
        hits = len({one for n, one in met if one < len(found) and one // size == n // size})
        measure = f"share of {len(found)} found among {len(candidates)}"
        interval = proportion(hits, len(found))
        findings += [
            AuditFinding(name, what, measure, hits / len(found), *interval, claimed),
            AuditFinding(name, what, "correlation, mean", float(alike.mean()), claimed=claimed),
        ]
        order = [
            n * size + int(part[:, n * size + place].argmax())
            for n, part in enumerate(own)
            for place in range(size)
        ]
        shown[what.removeprefix(PREFIX)] = found[order]
    return findings, shown


def _say(say: Callable[[str], None], what: str, count: int, done: int) -> None:
    say(f"{what}, {done} of {count}")
