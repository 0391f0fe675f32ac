"""What the cloud decided in a round, update by update."""

import dataclasses
import math

from fog_flower.tasks.scores import UNKNOWN, Evaluation


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of one fog node's update.

    Attributes
    ----------
    alone : Evaluation
        Of W + dW, the node's own local model, on the validation images.
    without, with_update : Evaluation
        Of the trial merges that decided; NaN where none was needed.
    gate_images : int
        Validation images that the decision took.
    trust : float
        Agreement with the cloud's own direction; NaN where it was not asked for.
    weight : float
        How much of its dW went into the merge; NaN: as much as the strategy gave it.
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
    """The verdicts of a round, by fog node, and what the round cost.

    Attributes
    ----------
    validation_seconds : float
        Reading the replies, the local models, and the gate.
    gate_seconds : float
        Of these, what the gate took, with training in the cloud where it does.
    train_seconds : float
        From sending W to having all replies.
    note : str
        Set where W was kept, and why, or where fog nodes were not there.
    cloud_weight : float
        How much of the cloud's own update went into the merge; NaN where it trains none.
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
        """How many updates went into the merge."""
        return sum(verdict.accepted for verdict in self.verdicts)

    def with_note(self, note: str) -> "RoundReport":
        """Return the report with one more note; an empty one adds nothing."""
        notes = (one for one in (self.note, note) if one)
        return dataclasses.replace(self, note="; ".join(notes))
