"""The plain merge of updates, which copies, lengths and claims of a minority cannot lead."""

import dataclasses

import numpy as np
import numpy.typing as npt

from strategies.gate import Trial, Vector

COPIES = 0.1  # fraction of a merge due to copies from which on copies are counted once
MORE = 2.0  # largest share of an update in a plain merge, in median shares
LONGER = 2.0  # largest length of an update in a plain merge, in median lengths
PLAIN = "the plain merge"


@dataclasses.dataclass(frozen=True)
class PlainMerge:
    """The plain merge, with copies counted once and long updates cut."""

    shares: Vector  # of each update [k]
    cut: Vector  # factor by which each update is shortened [k]; 1 if it is not
    told: str  # its name in the reasons of decisions

    def merge(self, kept: npt.NDArray[np.bool_] | None = None) -> Vector:
        """Return the weights [k] of the plain merge of all updates, or only of the kept ones."""
        return (self.shares if kept is None else shares_of(self.shares, kept)) * self.cut


def plain_merge(trial: Trial, downhill: npt.NDArray[np.bool_]) -> PlainMerge:
    """Return the plain merge, with no update much longer than the median one that leads downhill.

    After an enormous step, the model gives the same answer for all inputs and all slopes are flat,
    or it hides harm that no input shows and no later training repairs. Nor has an update more than
    two median shares, because claimed numbers of examples may be lies. While most updates are
    honest, the (lower) median length is between two honest ones, whatever the others send. The
    cloud's own update is neither cut nor capped.
    """
    lengths, fog = np.asarray(trial.norms, np.float64), np.ones(len(trial), bool)
    if trial.weighing.own is not None:
        fog[trial.weighing.own] = False
    capped = _capped(trial.weighing.shares, fog)
    shares, copied = _copies_once(trial, capped, downhill)
    counted = fog & (downhill if (fog & downhill).any() else lengths > 0.0)
    median = np.quantile(lengths[counted], 0.5, method="lower") if counted.any() else np.inf
    longest = LONGER * float(median)
    long = fog & (lengths > longest)
    cut = np.divide(longest, lengths, out=np.ones(len(trial)), where=long)
    changed = ["copies counted once"] * copied + ["long updates cut"] * bool(long.any())
    changed += ["claims capped"] * bool((capped != trial.weighing.shares).any())
    told = f"{PLAIN}, {' and '.join(changed)}," if changed else PLAIN
    return PlainMerge(shares, cut, told)


def _capped(shares: Vector, fog: npt.NDArray[np.bool_]) -> Vector:
    """Return the shares with no fog node's above ``MORE`` median ones, and the same sum."""
    if not fog.any():
        return shares
    most = MORE * float(np.median(shares[fog]))
    if not (shares[fog] > most).any():
        return shares
    capped = np.where(fog, np.minimum(shares, most), shares)
    scaled: Vector = capped * (shares.sum() / capped.sum())
    return scaled


def _copies_once(trial: Trial, shares: Vector, of: npt.NDArray[np.bool_]) -> tuple[Vector, bool]:
    r"""Return the shares of the plain merge, and whether copies are counted once in them.

    Copies of an update divide one share among them. An update counts $1 / \sum_j s_{ij}$. Here
    $s_{ij}$ is the cosine of i and j, scaled such that 0 is the lower quartile of all pairs and 1
    is a copy. Only the updates in ``of`` [k] are compared.
    """
    numbers = np.flatnonzero(of)
    if len(numbers) < 3:
        return shares, False
    cosines = trial.weighing.cosines()[np.ix_(numbers, numbers)]
    usual = float(np.quantile(cosines[~np.eye(len(numbers), dtype=bool)], 0.25))
    if not usual < 1.0 - 1e-6:  # nearly all are the same, or not finite
        return shares, False
    alike = np.clip((cosines - usual) / (1.0 - usual), 0.0, 1.0)
    once = shares.copy()
    once[numbers] /= alike.sum(axis=1)
    once[numbers] *= shares[numbers].sum() / once[numbers].sum()
    copied = bool(np.abs(once - shares).sum() / 2.0 > COPIES * shares.sum())
    return (once if copied else shares), copied


def shares_of(shares: Vector, kept: npt.NDArray[np.bool_]) -> Vector:
    """Return the shares in the plain merge of only the kept updates, with the same sum."""
    chosen = np.where(kept, shares, 0.0)
    return chosen / chosen.sum() * shares.sum() if chosen.sum() > 0.0 else chosen
