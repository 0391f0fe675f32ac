"""Audit of ``share-fraction``: whether a shipment hides which examples an end node shared.

The ledger lowers epsilon for an example that may not have been shared (``shared_epsilon``). That
holds only while the shipment does not tell whether it was. A small end node ships two neighbouring
data sets many times, which differ in one example far from all others, and the attacker tells the
shipments apart.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clients.end_node import EndNode, shared_examples
from clients.privacy.releases import releases_of
from clients.shipment import unpack
from fog_flower.config import RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.data.preprocess import ColumnNormaliser
from fog_flower.privacy.ledger import UPDATES
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Array, Examples
from simulations.audits.bound_findings import told_apart
from simulations.audits.bounds import DELTA, Scores, best_threshold
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.histogram import Panel, draw_histograms

NAME = "share"
SHIPMENTS = 4000  # of each data set
PILOTS = 500  # shipments that tell how often each example is shared
SHARED = 2  # examples in a shipment, at least; one alone has no order
FAR = 1e3  # length of an input that is certainly clipped
ONE, OTHER, NEAR, REST = range(4)  # targets: of the far example in each data set, of the others
UNCHANGED = ColumnNormaliser(np.zeros(1), np.ones(1))  # of inputs that are preprocessed
SCORE = "log likelihood ratio of a shipment, learned from half of them"
PSEUDO = 5  # seen of each in addition; with 0.5, rare ones hide the differences of common ones
# The neighbours of a data set whose far example has length FAR and target ONE: length and target of
# theirs, and the release whose promise covers the difference.
PAIRS = {
    "a far example replaced": (-FAR, OTHER, UPDATES),
    "its input replaced": (-FAR, ONE, "shipment: inputs"),
    "its target replaced": (FAR, OTHER, "shipment: targets"),
}
Rows = npt.NDArray[np.float64]


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Ship neighbouring data sets with ``EndNode.ship``, and tell the shipments apart.

    Three pairs are tried: the whole example differs, only its input, and only its target. The
    scores of each are drawn in ``share.png``.
    """
    field = prepare_field(config)
    task = field.dataset.task
    if field.dataset.spec.dtype != "float32" or getattr(task, "classes", 0) <= REST:
        return [not_applicable(NAME, f"inputs are no amounts, or targets not {REST + 1} classes")]
    if config.share_fraction == 1.0 or not config.protection:
        return [not_applicable(NAME, "end nodes share all that they own, or unprotected")]
    owned = owned_examples(config)
    share = shared_examples(config, owned)
    alone = config.changed({"fog-protection": ""})
    told = {one.name: one.guarantee for one in releases_of(alone, 1, share / owned)}
    say(f"audit {NAME}: {PILOTS} shipments of {share} of {owned} examples")
    place = _place_of_far(config, field, owned)
    one = _seen(config, field, owned, place, FAR, ONE, PILOTS)
    findings, panels = [], []
    for number, (attack, (length, target, release)) in enumerate(PAIRS.items(), 1):
        say(f"audit {NAME}: {attack}")
        first = PILOTS + number * SHIPMENTS
        other = _seen(config, field, owned, place, length, target, first)
        promise = told[release]
        delta = promise.delta if promise.promises else DELTA
        text = f"{attack}, {share} of {owned} examples shared"
        scores = learned_scores(one, other)
        findings.append(told_apart(NAME, text, *scores, delta, promise.epsilon))
        panels.append(Panel(attack, SCORE, *scores, [best_threshold(*scores, delta)]))
    draw_histograms(
        panels,
        folder / f"{NAME}.png",
        names=("shipments of the data set", "of its neighbour"),
        cut="cut of the attacker",
    )
    return findings


def owned_examples(config: RunConfig) -> int:
    """Return how many examples an end node must own to share a fraction as configured.

    At least ``SHARED`` are shared and one is not. The fewer they are, the more the attacker sees.
    """
    fraction = config.share_fraction
    sizes = range(SHARED + 1, math.ceil(SHARED / fraction) + math.ceil(1 / (1 - fraction)) + 1)
    possible = [size for size in sizes if SHARED <= shared_examples(config, size) < size]
    return min(possible, key=lambda size: abs(shared_examples(config, size) / size - fraction))


def learned_scores(
    one: tuple[Rows, npt.NDArray[np.int64]], other: tuple[Rows, npt.NDArray[np.int64]]
) -> tuple[Scores, Scores]:
    """Return the log likelihood ratio of each shipment, learned from every second one.

    ``from_pairs`` chooses its threshold on the same half, and tests on the other.

    Parameters
    ----------
    one, other : tuple of float64 [n, k], int64 [n, k]
        How far each shipped input goes in the direction of the far one, and each target.
    """
    middle = float(np.median(np.concatenate([one[0], other[0]])[:, :SHARED]))
    cells = [_cells(rows, targets, middle) for rows, targets in (one, other)]
    size = 1 + max(int(each.max()) for each in cells)
    counts = [np.bincount(each[::2], minlength=size) + PSEUDO for each in cells]
    ratio = np.log(counts[0]) - np.log(counts[1])
    return ratio[cells[0]], ratio[cells[1]]


def _cells(lengths: Rows, targets: npt.NDArray[np.int64], middle: float) -> npt.NDArray[np.int64]:
    """Return a number [n] for what each shipment looks like.

    If an input is as long as an unprotected far one, it is that input's direction and target.
    Otherwise it is the targets of the first examples in their order, whether their lengths are
    above the middle one, and whether more of all targets are ``ONE`` or ``OTHER``.
    """
    balance = np.sign((targets == ONE).sum(axis=1) - (targets == OTHER).sum(axis=1))
    cells: npt.NDArray[np.int64] = balance.astype(np.int64) + 1
    for row in range(SHARED):
        cells = cells * (REST + 1) + np.minimum(targets[:, row], REST)
        cells = cells * 2 + (lengths[:, row] > middle)
    found = np.arange(len(lengths)), np.abs(lengths).argmax(axis=1)
    far = 2 * np.minimum(targets[found], REST) + (lengths[found] > 0)
    return np.where(np.abs(lengths[found]) > FAR / 2, far, cells + 2 * (REST + 1))


def _place_of_far(config: RunConfig, field: Field, owned: int) -> int:
    """Return the place of the far example among those owned: the first, unless it is left out.

    In a share that is always the same, only an example that is in it can be found.
    """
    shape = field.dataset.spec.shape
    places = np.arange(owned, dtype=np.float32).reshape(-1, *[1] * len(shape))
    numbered = Examples(np.tile(places, (1, *shape)), np.zeros(owned, np.int64))
    plain = config.changed({"protection": ""})
    shipped = [_shipped(plain, field, numbered, number) for number in range(PILOTS)]
    found = np.concatenate([one.inputs.reshape(len(one.inputs), -1)[:, 0] for one in shipped])
    times = np.bincount(found.astype(np.int64), minlength=owned)
    return 0 if times[0] >= times.max() / 2 else int(times.argmax())


def _seen(
    config: RunConfig, field: Field, owned: int, place: int, length: float, target: int, first: int
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Return what the attacker sees of each shipment: lengths along the far input, and targets.

    The far example has a ``target`` and an input of ``length``. One of the others has the target
    ``NEAR``, all after it ``REST``, so that their order tells as much as it can.
    """
    spec, rng = field.dataset.spec, generator(config.seed, "audit share")
    direction = rng.standard_normal(spec.shape)
    direction /= np.linalg.norm(direction)
    wanted = [NEAR, *[REST] * (owned - 2)]
    chosen = [rng.choice(np.flatnonzero(field.train.targets == one)) for one in wanted]
    others = field.train.take(np.array(chosen))
    inputs = np.insert(field.preprocess(others.inputs), place, length * direction, axis=0)
    data = Examples(inputs.astype(np.float32), np.insert(others.targets, place, target))
    lengths, targets = [], []
    for number in range(first, first + SHIPMENTS):
        sent = _shipped(config, field, data, number)
        lengths.append(_lengths(sent.inputs, direction))
        targets.append(sent.targets)
    return np.array(lengths, np.float64), np.array(targets, np.int64)


def _lengths(inputs: Array, direction: Rows) -> Rows:
    """Return how far each input [k, ...] goes in a direction [...]."""
    return np.asarray(np.tensordot(inputs, direction, direction.ndim), np.float64)


def _shipped(config: RunConfig, field: Field, data: Examples, number: int) -> Examples:
    """Return what end node ``number`` ships of ``data``; its noise and share are its own."""
    spec, task = field.dataset.spec, field.dataset.task
    return unpack(EndNode(0, number, data).ship(config, task, UNCHANGED), spec, task)
