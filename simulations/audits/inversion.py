"""Gradient inversion: training images that a cloud recovers from dW of an honest or crafted W."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from clients.local_training import examples_of
from fog_flower.build_model import build_model
from fog_flower.config import RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.keras_weights import weights_of
from fog_flower.seeds import generator
from fog_flower.weights import Weights
from simulations.audits.alike import correlations
from simulations.audits.bounds import proportion
from simulations.audits.crafted import (
    binned,
    bins,
    can_be_crafted,
    crafted,
    first_dense,
    ratios,
)
from simulations.audits.end_nodes import OTHER_NODE, as_shipped
from simulations.audits.few_examples import dealt, with_noise_of_run
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.image_rows import SHOWN, Image, draw_rows
from simulations.audits.linear_reconstruction import (
    LinearReconstruction,
    learned_reconstruction,
)
from simulations.audits.matched import attack_by_matching
from simulations.audits.promise import promised_of_update
from simulations.audits.received import (
    each_of_group,
    group_size,
    of_masks,
    received_update,
    split_in_group,
)
from simulations.visible import counted

NAME = "inversion"
BATCHES = (1, 4, 8, 16, 32)  # examples of a node that takes one step
IMAGES = 64  # attacked at each batch size, over several nodes
EPOCH = 100  # examples of a node that trains an epoch
KNOWN = 2000  # images of the attacker's own
RECOVERED = 0.95  # correlation from which an image counts as recovered; see `images of nobody`
HONEST, CRAFTED = "honest W", "crafted W"
Rows = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class _Cloud:
    """What the attacker knows: the model, W, the protections, and images of its own.

    Attributes
    ----------
    kernel : int
        Index in W of the first layer's kernel.
    sent : mapping of name to W
        The honest W, and the crafted one if the model allows it.
    edges : float64 [width]
        Bin edges of the crafted W.
    undone : LinearReconstruction or None
        Undoes the protections of end nodes, as learned on the attacker's images.
    """

    kernel: int
    sent: dict[str, Weights]
    edges: npt.NDArray[np.float64]
    undone: LinearReconstruction | None

    def guesses(self, name: str, delta: Weights, shape: tuple[int, ...]) -> Rows:
        """Return all guesses of the images behind dW [k, ...]."""
        found = [ratios(delta, self.kernel)]
        if name == CRAFTED:
            found.append(binned(delta, self.edges))
        rows = np.concatenate(found).reshape(-1, *shape)
        if self.undone is None or not len(rows):
            return rows
        return np.concatenate([rows, self.undone(rows)])


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Attack one step on 1 to 32 images and an epoch over 100, and write ``inversion.png``.

    An image counts as recovered if a guess has a correlation of 0.95 with it. As a control, the
    same guesses are compared with images that no node had. In a run with masks, the sum of a
    group is attacked, whose nodes train on as many images each.

    A model that does not begin with a Dense layer is attacked by gradient matching, in steps on 1
    and 4 images.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Existing folder of the picture.
    say : callable
        Called with a message at the start of each step.

    Raises
    ------
    UserError
        If there are too few training examples.
    """
    field = prepare_field(config)
    spec, task = field.dataset.spec, field.dataset.task
    if spec.dtype != "float32":
        return [not_applicable(NAME, f"inputs are {spec}, and no amounts")]
    model = build_model(config.model, spec, task, config.seed)
    kernel = first_dense(model)
    if kernel is None and spec.is_image:
        findings, shown = attack_by_matching(NAME, config, field, model, folder, say)
        _draw(shown, folder / f"{NAME}.png")
        return findings
    if kernel is None:
        why = f"model={config.model} does not begin with a Dense layer, and inputs are no images"
        return [not_applicable(NAME, why)]
    rng = generator(config.seed, "audit inversion")
    most = group_size(config) * EPOCH
    known = min(KNOWN, len(field.train) - 2 * most)
    attacked, others, kept = dealt(config, field, rng, most, most, max(known, EPOCH))
    shared, nobody = field.seen(attacked), field.seen(others).inputs
    raw, shipped = shared.inputs, as_shipped(config, field, shared)
    cloud = _cloud(config, field, model, kernel, kept)
    update = promised_of_update(config, examples_of(field, config, 0))

    findings, shown = of_masks(config, NAME), {"raw": raw}
    strangers, tries = dict.fromkeys(cloud.sent, 0), 0
    private = with_noise_of_run(config, field)
    for size in (*BATCHES, EPOCH):
        say(f"audit {NAME}: {size} images")
        together = group_size(config) * size
        count = together if size == EPOCH else max(IMAGES // together, 1) * together
        settings: dict[str, str | int] = {"local-epochs": 1}
        settings |= {} if size == EPOCH else {"batch-size": size}
        once = private.changed(settings)
        tries += count
        for name, start in cloud.sent.items():
            best, images = [], []
            for number, first in enumerate(range(0, count, together)):
                chosen = np.arange(first, first + together)
                nodes = split_in_group(config, shipped.take(chosen))
                delta = received_update(once, start, nodes, number=number)
                guesses = cloud.guesses(name, delta, spec.shape)
                alike, image = _best(guesses, raw[chosen])
                best.append(alike)
                images.append(image)
                strangers[name] += int((_best(guesses, nobody[chosen])[0] >= RECOVERED).sum())
            hits = int((np.concatenate(best) >= RECOVERED).sum())
            images_of = counted(size, "image") + each_of_group(config)
            what = f"an epoch over {images_of}" if size == EPOCH else f"a step on {images_of}"
            findings.append(_finding(f"{what}, {name}", hits, count, update.epsilon))
            if size in (BATCHES[0], BATCHES[2], EPOCH):
                shown[f"{what}, {name}"] = np.concatenate(images)
    findings += [
        _finding(f"images of nobody in the same guesses, {name}", met, tries, update.epsilon)
        for name, met in strangers.items()
    ]
    if not can_be_crafted(model):
        why = f"crafted W: model={config.model} is no chain of Dense layers with ReLU"
        findings.append(not_applicable(NAME, why))
    if spec.is_image:
        _draw(shown, folder / f"{NAME}.png")
    return findings


def _cloud(
    config: RunConfig, field: Field, model: keras.Model, kernel: int, kept: npt.NDArray[np.int64]
) -> _Cloud:
    own = field.seen(kept)
    tried, undone = own.inputs, None
    if config.protection:
        tried = as_shipped(config, field, own, OTHER_NODE).inputs
        undone = learned_reconstruction(own.inputs, tried)
    sent = {HONEST: weights_of(model)}
    edges = bins(tried, sent[HONEST][kernel].shape[1])
    if can_be_crafted(model):
        sent[CRAFTED] = crafted(model, edges)
    return _Cloud(kernel, sent, edges, undone)


def _best(guesses: Rows, raw: Rows) -> tuple[npt.NDArray[np.float32], Rows]:
    """Return the best correlation for each image [n], and the guess that reaches it [n, ...]."""
    if not len(guesses):
        return np.zeros(len(raw), np.float32), np.zeros_like(raw)
    alike = correlations(guesses, raw)
    return alike.max(axis=0), guesses[alike.argmax(axis=0)]


def _finding(attack: str, hits: int, count: int, claimed: float) -> AuditFinding:
    measure = f"share of {count} recovered"
    return AuditFinding(NAME, attack, measure, hits / count, *proportion(hits, count), claimed)


def _draw(kinds: dict[str, Rows], path: Path) -> None:
    """Draw images and their best guesses, each scaled to the mean and contrast of its image."""
    raw = kinds["raw"][:SHOWN]
    low, high = float(raw.min()), float(raw.max())

    def scaled(image: Rows, like: Rows) -> Image:
        fitted = (image - image.mean()) / max(float(image.std()), 1e-12)
        return np.asarray((fitted * like.std() + like.mean() - low) / (high - low))

    rows = {name: list(map(scaled, images, raw)) for name, images in kinds.items()}
    draw_rows(rows, path, left=2.4)
