"""How often a run released the same data, because it was stopped and continued."""

import dataclasses
from collections.abc import Mapping
from typing import Any

STARTS, REPEATED_ROUNDS, UNREAD = "starts", "repeated_rounds", "unread_starts"


@dataclasses.dataclass(frozen=True)
class Repeats:
    """The releases that a stopped and continued run makes more than once.

    With ``noise-source=entropy`` every start of a run draws shares and noise anew, and the round in
    which it was stopped is trained again. Each time tells more of the same examples.

    Attributes
    ----------
    starts : int
        How often it or another run that continues the same first one was started; 1 if it was
        never continued.
    rounds : int
        How many rounds these may have trained beside those of the configuration.
    unread : int
        Of how many starts the records cannot be read, so that all rounds that they could train are
        counted.
    """

    starts: int = 1
    rounds: int = 0
    unread: int = 0

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Repeats":
        """Return those of a ``run.json``, or of a message with these keys."""
        stretches = len(record.get("stretches", []))
        return cls(
            int(record.get(STARTS, 1 + stretches)),
            int(record.get(REPEATED_ROUNDS, stretches)),
            int(record.get(UNREAD, 0)),
        )

    def to_record(self) -> dict[str, int]:
        """Return what ``read`` reads."""
        return {STARTS: self.starts, REPEATED_ROUNDS: self.rounds, UNREAD: self.unread}

    def in_words(self) -> str:
        """Return what the ledger says of them; empty if the run was never continued."""
        if self == ONCE:
            return ""
        told = (
            f"continued: {self.starts} starts on the same data are counted, which may have trained "
            f"{self.rounds} rounds beside those of the configuration"
        )
        if self.unread:
            told += (
                f"; the records of {self.unread} of these starts cannot be read or are not "
                "complete, so all rounds that they could train are counted (an upper bound)"
            )
        return told


ONCE = Repeats()
