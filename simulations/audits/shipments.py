"""What a fog node, or whoever reads its traffic, learns from the shipments of end nodes."""

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt

from clients.end_node import protected_share
from clients.privacy._context import Context
from clients.privacy.releases import releases_of
from fog_flower.config import SEEDED, RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples
from simulations.audits.bounds import from_pairs, proportion
from simulations.audits.finding import AuditFinding
from simulations.reports.save_figure import save_figure

NAME = "shipments"
CANDIDATES = 600  # among whom an image is looked for
KNOWN = 2000  # images of the attacker's own, with which it tries the protection
DRAWS = 4000  # of each of two neighbours
OTHER_NODE = 1_000_000  # number of an end node that no run has
FAR = 1e3  # length of an input that is clipped for sure
RIDGES = tuple(np.geomspace(1e-6, 1e2, 9))  # by the mean eigenvalue
SHOWN = 6
Rows = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class _Attacker:
    """Runs the protections of a configuration on examples of its own."""

    config: RunConfig
    field: Field
    end_node: int = 0

    def protected(self, share: Examples) -> Examples:
        spec = self.field.dataset.spec
        deviation = self.field.preprocess.deviation
        context = Context(self.config, 0, self.end_node, spec, self.field.dataset.task, deviation)
        return protected_share(share, context)


def audit(config: RunConfig, folder: Path) -> list[AuditFinding]:
    """Attack the shipments of an end node of fog node 0, and write ``shipments.png``.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Where the picture goes; it must be there.
    """
    field = prepare_field(config)
    if field.dataset.spec.dtype != "float32":
        return []
    told = {one.name: one.guarantee for one in releases_of(config, 1)}
    inputs, targets = told["shipment: inputs"], told["shipment: targets"]
    findings = _images(config, field, folder, inputs.epsilon)
    if config.protection:  # else there is nothing to tell apart
        findings += _input_pairs(config, field, inputs.epsilon, inputs.delta)
        findings += _label_pairs(config, field, targets.epsilon)
    return findings


def _images(config: RunConfig, field: Field, folder: Path, claimed: float) -> list[AuditFinding]:
    attacker = _Attacker(config, field)
    order = generator(config.seed, "audit shipments").permutation(len(field.train))
    count = min(CANDIDATES, len(order) // 3)
    candidates, known = (field.train.take(o) for o in (order[:count], order[count:][:KNOWN]))
    raw = Examples(field.preprocess(candidates.inputs), candidates.targets)
    own = Examples(field.preprocess(known.inputs), known.targets)
    shipped = attacker.protected(raw)
    # What is keyed by the run alone, as a projection, is known; noise is another node's.
    tried = _Attacker(config, field, OTHER_NODE).protected(own)
    fitted = _reconstruct(own.inputs, tried.inputs, shipped.inputs)
    reconstructions = {"as shipped": shipped.inputs, "linear reconstruction": fitted}
    if config.noise_source == SEEDED and config.protection:
        empty = Examples(np.zeros_like(raw.inputs), raw.targets)
        known_noise = shipped.inputs - attacker.protected(empty).inputs
        reconstructions["noise drawn again from the seed"] = known_noise
    findings = []
    scale = field.preprocess.deviation
    for attack, guess in reconstructions.items():
        decibels = _decibels(raw.inputs, guess, scale)
        low, high = np.mean(decibels) + 1.96 * np.array([-1, 1]) * np.std(decibels) / np.sqrt(
            len(decibels)
        )
        findings.append(
            AuditFinding(NAME, attack, "PSNR, dB", float(np.mean(decibels)), low, high, claimed)
        )
        hits = int((_nearest(guess, raw.inputs) == np.arange(len(guess))).sum())
        findings.append(
            AuditFinding(
                NAME,
                attack,
                f"re-identified among {len(guess)}",
                hits / len(guess),
                *proportion(hits, len(guess)),
                claimed,
            )
        )
    if len(field.dataset.spec.shape) == 3:
        _draw({"raw": raw.inputs, **reconstructions}, folder / f"{NAME}.png")
    return findings


def _input_pairs(
    config: RunConfig, field: Field, claimed: float, delta: float
) -> list[AuditFinding]:
    """Run the protections on two neighbours, many times each, and tell them apart."""
    shape = field.dataset.spec.shape
    direction = np.full(shape, 1.0 / np.sqrt(np.prod(shape)), np.float32)
    targets = np.zeros(DRAWS, np.int64)
    outputs = []
    for number, sign in enumerate((1.0, -1.0)):
        share = Examples(np.tile(sign * FAR * direction, (DRAWS, *[1] * len(shape))), targets)
        # Noise is keyed by end node: two of them draw two times.
        outputs.append(_Attacker(config, field, number).protected(share).inputs)
    scores = [np.tensordot(out, direction, len(shape)).astype(np.float64) for out in outputs]
    findings = [_pair(scores[0], scores[1], "two far inputs told apart", delta, claimed)]
    if config.noise_source == SEEDED:
        empty = Examples(np.zeros((DRAWS, *shape), np.float32), targets)
        known = []
        for number, out in enumerate(outputs):
            noise = _Attacker(config, field, number).protected(empty).inputs
            known.append(np.tensordot(out - noise, direction, len(shape)).astype(np.float64))
        attack = "two far inputs told apart, noise drawn again from the seed"
        findings.append(_pair(known[0], known[1], attack, delta, claimed))
    return findings


def _label_pairs(config: RunConfig, field: Field, claimed: float) -> list[AuditFinding]:
    shape, task = field.dataset.spec.shape, field.dataset.task
    if not hasattr(task, "classes"):
        return []
    empty = np.zeros((DRAWS, *shape), np.float32)
    found = [
        _Attacker(config, field, number).protected(Examples(empty, np.full(DRAWS, number))).targets
        for number in (0, 1)
    ]
    scores = [(out == 0).astype(np.float64) - (out == 1) for out in found]
    findings = [_pair(scores[0], scores[1], "two labels told apart", 0.0, claimed)]
    if config.noise_source == SEEDED:
        # What label 0 would have become is known; the other one differs from it.
        agreed = []
        for number, out in enumerate(found):
            zero = Examples(empty, np.zeros(DRAWS, np.int64))
            expected = _Attacker(config, field, number).protected(zero).targets
            agreed.append((out == expected).astype(np.float64))
        attack = "two labels told apart, answers drawn again from the seed"
        findings.append(_pair(agreed[0], agreed[1], attack, 0.0, claimed))
    return findings


def _pair(
    one: npt.NDArray[np.float64],
    other: npt.NDArray[np.float64],
    attack: str,
    delta: float,
    claimed: float,
) -> AuditFinding:
    bound, _ = from_pairs(one, other, delta)
    measure = "epsilon, at least"
    return AuditFinding(NAME, attack, measure, bound, bound, claimed=claimed, bound=True)


def _reconstruct(raw: Rows, protected: Rows, shipped: Rows) -> Rows:
    """Return the best linear guess of what was shipped, learned on the attacker's own images.

    Ridge regression in its dual form; its strength is chosen on a fifth of these.
    """
    x, y = protected.reshape(len(protected), -1), raw.reshape(len(raw), -1)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x, y = x - x_mean, y - y_mean
    cut = len(x) * 4 // 5
    values, basis = np.linalg.eigh(x[:cut] @ x[:cut].T)
    answers, held_out = basis.T @ y[:cut], x[cut:] @ x[:cut].T @ basis

    def error(ridge: float) -> float:
        guess = (held_out / (values + ridge * values.mean())) @ answers
        return float(np.square(guess - y[cut:]).mean())

    best = min(RIDGES, key=error)
    flat = shipped.reshape(len(shipped), -1) - x_mean
    guess = (flat @ x[:cut].T @ basis / (values + best * values.mean())) @ answers + y_mean
    return np.asarray(guess.reshape(shipped.shape), np.float32)


def _decibels(raw: Rows, guess: Rows, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return each example's peak signal-to-noise ratio; the largest stored value is 1."""
    errors = np.square((raw - guess) * scale).reshape(len(raw), -1).mean(axis=1)
    return np.asarray(-10.0 * np.log10(np.maximum(errors, 1e-12)), np.float64)


def _nearest(guess: Rows, raw: Rows) -> npt.NDArray[np.int64]:
    """Return which raw example is most alike to each guess, by correlation."""
    rows = [a.reshape(len(a), -1) for a in (guess, raw)]
    rows = [a - a.mean(axis=1, keepdims=True) for a in rows]
    rows = [a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12) for a in rows]
    nearest: npt.NDArray[np.int64] = np.argmax(rows[0] @ rows[1].T, axis=1)
    return nearest


def _draw(kinds: dict[str, Rows], path: Path) -> None:
    figure, axes = plt.subplots(
        len(kinds), SHOWN, figsize=(1.2 * SHOWN + 2.2, 1.25 * len(kinds)), squeeze=False
    )
    raw = next(iter(kinds.values()))[:SHOWN]
    low, high = float(raw.min()), float(raw.max())
    for row, (name, images) in zip(axes, kinds.items(), strict=True):
        for axis, image in zip(row, images[:SHOWN], strict=False):
            shown = np.clip((image - low) / (high - low), 0.0, 1.0)
            axis.imshow(shown.squeeze(), cmap="gray" if image.shape[-1] == 1 else None)
            axis.set_axis_off()
        row[0].text(-0.1, 0.5, name, transform=row[0].transAxes, ha="right", va="center", wrap=True)
    figure.subplots_adjust(left=2.2 / (1.2 * SHOWN + 2.2), right=0.99, top=0.99, bottom=0.01)
    save_figure(figure, path, dpi=120)
