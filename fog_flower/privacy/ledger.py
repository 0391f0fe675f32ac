"""The ledger of a run: what leaves each tier, who receives it, and what is promised."""

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from fog_flower.privacy.guarantee import Guarantee

# The releases that the cloud's own releases are computed from.
UPDATES, METRICS = "dW of all rounds", "loss and accuracy of training"
COUNTS = "number of examples that it reports"


@dataclasses.dataclass(frozen=True)
class Release:
    """One kind of release, over the whole run.

    Attributes
    ----------
    name : str
        E.g. ``shipment: inputs``.
    source, to : str
        Tiers.
    guarantee : Guarantee
    seeded : bool
        Whether its noise can be drawn again by whoever knows the run's seed.
    """

    name: str
    source: str
    to: str
    guarantee: Guarantee
    seeded: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as a dict for JSON; an infinite epsilon and its delta are None."""
        one = self.guarantee
        return {
            "release": self.name,
            "from": self.source,
            "to": self.to,
            "unit": f"one {one.unit}'s {one.part}, {one.relation}",
            "mechanism": one.mechanism,
            "epsilon": one.epsilon if one.promises else None,
            "delta": one.delta if one.promises else None,
            "noise_can_be_drawn_again": self.seeded,
            "not_covered": list(one.uncovered),
        }


def packed(releases: Sequence[Release]) -> str:
    """Serialise releases to text for a message."""
    rows = [dataclasses.asdict(one) for one in releases]
    for row in rows:
        epsilon = row["guarantee"]["epsilon"]
        row["guarantee"]["epsilon"] = epsilon if math.isfinite(epsilon) else None
    return json.dumps(rows)


def unpacked(text: str) -> list[Release]:
    """Parse the text that ``packed`` returns.

    Raises
    ------
    ValueError
        If the text has another form.
    """
    try:
        return [_release(row) for row in json.loads(text)]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no releases: {error}") from error


def worst_of_nodes(told: Iterable[Sequence[Release]]) -> list[Release]:
    """Return, for each kind of release, the guarantee that holds for the examples of all nodes.

    Nodes own disjoint examples, so each example is in the releases of one node only. So the largest
    epsilon holds for all (parallel composition, McSherry 2009).
    """
    worst: dict[str, Release] = {}
    for releases in told:
        for one in releases:
            known = worst.get(one.name)
            if known is None or one.guarantee.epsilon > known.guarantee.epsilon:
                worst[one.name] = one
    return list(worst.values())


def _release(row: Any) -> Release:
    told = dict(row["guarantee"])
    epsilon = math.inf if told["epsilon"] is None else float(told["epsilon"])
    uncovered = tuple(map(str, told["uncovered"]))
    guarantee = Guarantee(**told | {"epsilon": epsilon, "uncovered": uncovered})
    return Release(
        str(row["name"]), str(row["source"]), str(row["to"]), guarantee, bool(row["seeded"])
    )
