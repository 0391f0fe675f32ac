"""The likelihood ratio attack on membership (Carlini et al. 2022, arXiv:2112.03570)."""

import numpy as np
import numpy.typing as npt

LEAST = 1e-7  # smallest loss in Keras, which clips probabilities to 1 - 1e-7
Scores = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def confidences(losses: Scores) -> Scores:
    """Return log(p / (1 - p)) for the probability p = exp(-loss) of the true class (section 4.2).

    Unlike the loss, it has a nearly Gaussian distribution over models.
    """
    clipped = np.maximum(losses, LEAST)
    return np.asarray(-clipped - np.log(-np.expm1(-clipped)), np.float64)


def likelihood_ratios(confident: Scores, members: Mask) -> Scores:
    """Return the log likelihood ratio of membership for each model and example (algorithm 1).

    Each model in turn is the target, and all others are its shadow models. Means are taken for each
    example, and both variances over all examples, which is better for few models (section 6.B).

    Parameters
    ----------
    confident : float64 [models, n]
    members : bool [models, n]
        Which examples each model was trained on.

    Returns
    -------
    float64 [models, n]
        A larger value makes membership more likely; 0 where all other models had the example, or
        none had it.
    """
    scores = np.zeros_like(confident)
    for target in range(len(confident)):
        others = np.arange(len(confident)) != target
        known, had = confident[others], members[others]
        found = []
        for group in (had, ~had):
            count = group.sum(axis=0)
            mean = (known * group).sum(axis=0) / np.maximum(count, 1)
            squares = np.square(known - mean)[group].sum()
            free = np.maximum(count - 1, 0).sum()  # each mean takes one degree of freedom
            deviation = max(float(np.sqrt(squares / max(free, 1))), 1e-9)
            distance = (confident[target] - mean) / deviation
            found.append(-0.5 * np.square(distance) - np.log(deviation))
        fit = had.any(axis=0) & ~had.all(axis=0)
        scores[target] = np.where(fit, found[0] - found[1], 0.0)
    return scores
