"""Attacks by a fog node, or by anyone who reads its traffic, on the shipments of end nodes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clients.privacy.releases import releases_of
from fog_flower.config import SEEDED, RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.privacy.guarantee import Guarantee
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples
from simulations.audits.alike import correlations
from simulations.audits.bound_findings import told_apart
from simulations.audits.bounds import from_identification, proportion
from simulations.audits.end_nodes import OTHER_NODE, as_shipped
from simulations.audits.finding import AuditFinding, bounded, not_applicable
from simulations.audits.image_rows import SHOWN, Image, draw_rows
from simulations.audits.linear_reconstruction import learned_reconstruction

NAME = "shipments"
CANDIDATES = 600  # images among which a shipped one is looked up
KNOWN = 2000  # images of the attacker's own, on which it tries the protections
DRAWS = 4000  # for each of two neighbours
FAR = 1e3  # length of an input that is certainly clipped
Rows = npt.NDArray[np.float32]


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Attack the shipments of an end node of fog node 0, and write ``shipments.png``.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Existing folder of the picture.
    say : callable
        Called with a message at the start of each step.
    """
    field = prepare_field(config)
    if field.dataset.spec.dtype != "float32":
        return [not_applicable(NAME, f"inputs are {field.dataset.spec}, and no amounts")]
    told = {one.name: one.guarantee for one in releases_of(config, 1)}
    inputs, targets = told["shipment: inputs"], told["shipment: targets"]
    say(f"audit {NAME}: images")
    findings = _images(config, field, folder, inputs)
    if config.protection:  # without one, there is nothing to tell apart
        say(f"audit {NAME}: neighbours")
        findings += _input_pairs(config, field, inputs.epsilon, inputs.delta)
        findings += _label_pairs(config, field, targets.epsilon)
    return findings


def _images(
    config: RunConfig, field: Field, folder: Path, promised: Guarantee
) -> list[AuditFinding]:
    claimed = promised.epsilon
    order = generator(config.seed, "audit shipments").permutation(len(field.train))
    count = min(CANDIDATES, len(order) // 3)
    raw, own = field.seen(order[:count]), field.seen(order[count:][:KNOWN])
    shipped = as_shipped(config, field, raw)
    # The attacker knows what the run alone determines, such as a projection, but not the noise.
    tried = as_shipped(config, field, own, OTHER_NODE)
    fitted = learned_reconstruction(own.inputs, tried.inputs)(shipped.inputs)
    mean = np.broadcast_to(own.inputs.mean(axis=0), raw.inputs.shape)
    reconstructions = {
        "as shipped": shipped.inputs,
        "linear reconstruction": fitted,
        "guessing the mean": mean,
    }
    if config.noise_source == SEEDED and config.protection:
        empty = Examples(np.zeros_like(raw.inputs), raw.targets)
        known_noise = shipped.inputs - as_shipped(config, field, empty).inputs
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
        if guess is mean:
            continue  # the same guess for all images identifies none
        hits = int((correlations(guess, raw.inputs).argmax(axis=1) == np.arange(len(guess))).sum())
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
        if promised.promises:
            shown, most = from_identification(hits, len(guess), len(guess), promised.delta)
            findings.append(bounded(NAME, f"{attack}: what finding it shows", shown, claimed, most))
    if len(field.dataset.spec.shape) == 3:
        reconstructions.pop("guessing the mean")
        _draw({"raw": raw.inputs, **reconstructions}, folder / f"{NAME}.png")
    return findings


def _input_pairs(
    config: RunConfig, field: Field, claimed: float, delta: float
) -> list[AuditFinding]:
    """Run the protections many times on two neighbouring inputs, and tell them apart."""
    shape = field.dataset.spec.shape
    direction = np.full(shape, 1.0 / np.sqrt(np.prod(shape)), np.float32)
    targets = np.zeros(DRAWS, np.int64)
    outputs = []
    for number, sign in enumerate((1.0, -1.0)):
        share = Examples(np.tile(sign * FAR * direction, (DRAWS, *[1] * len(shape))), targets)
        # Noise is keyed by end node, so two end nodes draw different noise.
        outputs.append(as_shipped(config, field, share, number).inputs)
    scores = [np.tensordot(out, direction, len(shape)).astype(np.float64) for out in outputs]
    findings = [told_apart(NAME, "two far inputs told apart", scores[0], scores[1], delta, claimed)]
    if config.noise_source == SEEDED:
        empty = Examples(np.zeros((DRAWS, *shape), np.float32), targets)
        known = []
        for number, out in enumerate(outputs):
            noise = as_shipped(config, field, empty, number).inputs
            known.append(np.tensordot(out - noise, direction, len(shape)).astype(np.float64))
        attack = "two far inputs told apart, noise drawn again from the seed"
        findings.append(told_apart(NAME, attack, known[0], known[1], delta, claimed))
    return findings


def _label_pairs(config: RunConfig, field: Field, claimed: float) -> list[AuditFinding]:
    shape, task = field.dataset.spec.shape, field.dataset.task
    if not hasattr(task, "classes"):
        return []
    empty = np.zeros((DRAWS, *shape), np.float32)
    found = [
        as_shipped(config, field, Examples(empty, np.full(DRAWS, number)), number).targets
        for number in (0, 1)
    ]
    scores = [(out == 0).astype(np.float64) - (out == 1) for out in found]
    findings = [told_apart(NAME, "two labels told apart", scores[0], scores[1], 0.0, claimed)]
    if config.noise_source == SEEDED:
        # The attacker knows what label 0 would have become. Label 1 becomes something else.
        agreed = []
        for number, out in enumerate(found):
            zero = Examples(empty, np.zeros(DRAWS, np.int64))
            expected = as_shipped(config, field, zero, number).targets
            agreed.append((out == expected).astype(np.float64))
        attack = "two labels told apart, answers drawn again from the seed"
        findings.append(told_apart(NAME, attack, agreed[0], agreed[1], 0.0, claimed))
    return findings


def _decibels(raw: Rows, guess: Rows, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return each example's peak signal-to-noise ratio in dB, for a peak value of 1."""
    errors = np.square((raw - guess) * scale).reshape(len(raw), -1).mean(axis=1)
    return np.asarray(-10.0 * np.log10(np.maximum(errors, 1e-12)), np.float64)


def _draw(kinds: dict[str, Rows], path: Path) -> None:
    """Draw images, each scaled to its own contrast."""

    def scaled(image: Rows) -> Image:
        low, high = np.percentile(image, (1, 99))  # a clipped image is a faint one
        return np.asarray((image - low) / max(high - low, 1e-12))

    rows = {name: list(map(scaled, images[:SHOWN])) for name, images in kinds.items()}
    draw_rows(rows, path, left=2.2)
