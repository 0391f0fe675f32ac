"""Sequential test whether a merge is worse than another by more than a margin."""

import dataclasses
import math
from statistics import NormalDist

import numpy as np

from fog_flower.tasks.scores import Evaluation
from strategies.gate import Trial


@dataclasses.dataclass(frozen=True)
class Answer:
    """The result of a test.

    Attributes
    ----------
    worse : bool
    improves : bool
        Whether the recalibrated loss is lower with the update, by any amount.
    examples : int
        Number of examples used.
    without, with_update : Evaluation
        Evaluations of the two merges on these examples.
    """

    worse: bool
    improves: bool
    examples: int
    without: Evaluation
    with_update: Evaluation


@dataclasses.dataclass(frozen=True)
class SequentialTest:
    """A paired test on validation examples, in looks that double the number of examples.

    Losses are recalibrated (``Scores.recalibrated``) and compared example by example. On all
    examples, "worse" means that the mean difference exceeds the margin significantly, at the
    one-sided level ``error``: a rejection has to be proved. An earlier look ends the test if it
    already shows clearly what all examples would show; its error is split over the looks
    (Bonferroni).

    Attributes
    ----------
    first_look : int
        Number of examples of the first look; 0 looks at all at once.
    error : float
        Probability of rejecting an update that does exactly as much harm as its margin.
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
        """Compare two merges. If ``with_update`` answers with NaN, it is always worse.

        Parameters
        ----------
        without, with_update : tuple of int
            Numbers of the updates in each merge.
        margin : float
            Relative increase of the loss that is still allowed; may be negative.
        part : float
            A positive margin is limited to this fraction of what the merge ``without`` knows: how
            far its recalibrated loss is below that of the best constant answer.
        at_once : bool
            Take only the first look; the result is "worse" only if that is clear in it.
        """
        looks = self.looks(trial.examples)
        bound = NormalDist().inv_cdf(1.0 - self.error)
        early = NormalDist().inv_cdf(1.0 - self.error / (2 * len(looks)))
        for examples in looks[:1] if at_once else looks:
            known = [trial.scores(merge, examples) for merge in (without, with_update)]
            evaluations = [scores.mean() for scores in known]
            if not known[1].finite:
                return Answer(True, False, examples, *evaluations)
            loss = float(trial.losses(without, examples).mean())
            allowed = margin * loss
            if margin > 0.0:
                allowed = min(allowed, part * max(trial.chance(examples) - loss, 0.0))
            found, clear, gain = [], [], 0.0
            for biases in (True, False):
                before = trial.losses(without, examples, biases=biases)
                after = trial.losses(with_update, examples, biases=biases)
                harm = after - before - allowed
                mean, spread = float(harm.mean()), float(harm.std())
                # All examples would show "worse" if mean > edge. unsure: how far mean may be off.
                edge = bound * spread / np.sqrt(trial.examples)
                unsure = spread * np.sqrt(1.0 / examples - 1.0 / trial.examples)
                found.append(mean > edge)
                clear.append(abs(mean - edge) > early * unsure)
                gain += float(before.mean() - after.mean())
            # One clear "worse" decides; "not worse" must be clear for both losses.
            decided = any(f and c for f, c in zip(found, clear, strict=True)) or all(clear)
            if decided or examples == trial.examples:
                return Answer(any(found), gain > 0.0, examples, *evaluations)
        return Answer(False, gain > 0.0, examples, *evaluations)  # not clear at once

    def looks(self, examples: int) -> list[int]:
        """Return the sizes of the looks: doubling, and all examples last."""
        sizes, size = [], self.first_look or examples
        while size < examples:
            sizes.append(size)
            size *= 2
        return [*sizes, examples]
