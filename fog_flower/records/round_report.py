"""The cloud's decisions in a round, update by update."""

import dataclasses
import math

from fog_flower.tasks.scores import UNKNOWN, Evaluation


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The cloud's decision on one fog node's update.

    Attributes
    ----------
    alone : Evaluation
        Of W + dW, the node's local model, on validation examples.
    without, with_update : Evaluation
        Of the trial merges behind the decision; NaN if none was needed.
    gate_images : int
        Number of validation examples used for the decision.
    trust : float
        Agreement with the direction that the cloud trains; NaN if not computed.
    weight : float
        Factor of dW in the merge; NaN: that of the strategy.
    """

    fog_node: int
    accepted: bool
    reason: str
    num_examples: int = 0
    train_loss: float = math.nan
    train_accuracy: float = math.nan
    seconds: float = math.nan
    update_norm: float = math.nan
    bytes_up: int = 0
    alone: Evaluation = UNKNOWN
    without: Evaluation = UNKNOWN
    with_update: Evaluation = UNKNOWN
    gate_images: int = 0
    trust: float = math.nan
    weight: float = math.nan


@dataclasses.dataclass(frozen=True)
class RoundReport:
    """The verdicts of a round, by fog node, and the round's time and traffic.

    Attributes
    ----------
    validation_seconds : float
        Time for reading replies, evaluating local models, and the gate.
    gate_seconds : float
        The gate's part of these, including training in the cloud, if any.
    train_seconds : float
        Time from sending W to having all replies.
    note : str
        Says why W was kept, or that fog nodes were missing; else empty.
    cloud_weight : float
        Part of the cloud's own update in the merge; NaN if it trains none.
    """

    server_round: int
    verdicts: tuple[Verdict, ...]
    bytes_down: int
    train_seconds: float
    validation_seconds: float
    merge_seconds: float
    note: str = ""
    cloud_weight: float = math.nan
    gate_seconds: float = math.nan

    @property
    def accepted(self) -> int:
        """Number of accepted updates."""
        return sum(verdict.accepted for verdict in self.verdicts)

    def with_note(self, note: str) -> "RoundReport":
        """Return the report with one more note; an empty one adds nothing."""
        notes = (one for one in (self.note, note) if one)
        return dataclasses.replace(self, note="; ".join(notes))
