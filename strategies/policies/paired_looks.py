"""Is a merge worse than another by more than a margin? On as few images as it takes."""

import dataclasses
import math
from statistics import NormalDist

import numpy as np

from fog_flower.evaluation import Evaluation
from strategies.policies.recalibration import entropy
from strategies.policies.trial import Trial


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a test found.

    Attributes
    ----------
    worse : bool
    improves : bool
        Whether the recalibrated loss is lower with the update, however little.
    images : int
        How many it took.
    without, with_update : Evaluation
        On these.
    """

    worse: bool
    improves: bool
    images: int
    without: Evaluation
    with_update: Evaluation


@dataclasses.dataclass(frozen=True)
class SequentialTest:
    """A paired test on validation images, in looks at twice as many each time.

    Losses are recalibrated (``recalibrated_losses``) and compared image by image. With all images
    looked at, "worse" means that the mean difference exceeds the margin by more than chance makes
    it in a fraction ``error`` of cases: the burden of proof is on the rejection. Earlier looks
    stop where the answer that all images would give is already clear, with the error split over
    them (Bonferroni).

    Attributes
    ----------
    first_look : int
        Images; 0 looks at all at once.
    error : float
        Chance of rejecting an update that does exactly as much harm as its margin.
    """

    first_look: int = 500
    error: float = 0.01

    def is_worse(
        self,
        trial: Trial,
        without: tuple[int, ...],
        with_update: tuple[int, ...],
        margin: float,
        part: float = math.inf,
        *,
        at_once: bool = False,
    ) -> Answer:
        """Compare two merges; one that answers with NaN is always worse.

        Parameters
        ----------
        without, with_update : tuple of int
            The updates in each.
        margin : float
            Relative increase of the loss that is still allowed; may be negative.
        part : float
            A positive margin is at most this part of what the merge without the update knows: how
            far its recalibrated loss is below that of answering by the digits' frequencies.
        at_once : bool
            The first look is the only one, and "worse" must be clear in it.
        """
        looks = self.looks(trial.images)
        bound = NormalDist().inv_cdf(1.0 - self.error)
        early = NormalDist().inv_cdf(1.0 - self.error / (2 * len(looks)))
        for images in looks[:1] if at_once else looks:
            known = [trial.scores(merge, images) for merge in (without, with_update)]
            evaluations = [scores.mean() for scores in known]
            if not known[1].finite:
                return Answer(True, False, images, *evaluations)
            loss = float(trial.losses(without, images).mean())
            allowed = margin * loss
            if margin > 0.0:
                allowed = min(allowed, part * max(entropy(trial.labels(images)) - loss, 0.0))
            found, clear, gain = [], [], 0.0
            for biases in (True, False):
                before = trial.losses(without, images, biases=biases)
                after = trial.losses(with_update, images, biases=biases)
                harm = after - before - allowed
                mean, spread = float(harm.mean()), float(harm.std())
                # All images would say "worse" if mean > edge; how far may this mean be off?
                edge = bound * spread / np.sqrt(trial.images)
                unsure = spread * np.sqrt(1.0 / images - 1.0 / trial.images)
                found.append(mean > edge)
                clear.append(abs(mean - edge) > early * unsure)
                gain += float(before.mean() - after.mean())
            # One clear "worse" decides; "not worse" must be clear by both losses.
            decided = any(f and c for f, c in zip(found, clear, strict=True)) or all(clear)
            if decided or images == trial.images:
                return Answer(any(found), gain > 0.0, images, *evaluations)
        return Answer(False, gain > 0.0, images, *evaluations)  # not clear at once

    def looks(self, images: int) -> list[int]:
        """Return the sizes of the looks: doubling, and all images last."""
        sizes, size = [], self.first_look or images
        while size < images:
            sizes.append(size)
            size *= 2
        return [*sizes, images]
