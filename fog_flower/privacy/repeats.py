"""How often a run released the same data, because it was stopped and continued."""

import dataclasses
from collections.abc import Mapping
from typing import Any

STARTS, REPEATED_ROUNDS = "starts", "repeated_rounds"


@dataclasses.dataclass(frozen=True)
class Repeats:
    """The releases that a stopped and continued run makes more than once.

    With ``noise-source=entropy`` every start of a run draws shares and noise anew, and the round in
    which it was stopped is trained again. Each time tells more of the same examples.

    Attributes
    ----------
    starts : int
        How often the run was started; 1 if it was never continued.
    rounds : int
        How many rounds may have been trained twice.
    """

    starts: int = 1
    rounds: int = 0

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Repeats":
        """Return those of a ``run.json``, or of a message with these keys."""
        stretches = len(record.get("stretches", []))
        return cls(
            int(record.get(STARTS, 1 + stretches)), int(record.get(REPEATED_ROUNDS, stretches))
        )

    def to_record(self) -> dict[str, int]:
        """Return what ``read`` reads."""
        return {STARTS: self.starts, REPEATED_ROUNDS: self.rounds}


ONCE = Repeats()
