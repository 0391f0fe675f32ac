"""The user's choice of what to measure."""

import dataclasses
from collections.abc import Callable

from fog_flower.config import BFLOAT16, FLOAT32
from fog_flower.errors import UserError
from fog_flower.suggestion import check_known
from simulations.benchmark.cases import IMAGES

KINDS = (FLOAT32, BFLOAT16)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan of one session.

    Attributes
    ----------
    models, fog_nodes, precisions
        Every combination of these is timed.
    repeats : int
        How often the compared sides alternate.
    rounds : int
        Timed rounds per run, after the warm-up.
    say : callable
        Called with a line about what is being measured.
    """

    models: tuple[str, ...]
    fog_nodes: tuple[int, ...]
    precisions: tuple[str, ...]
    repeats: int
    rounds: int
    say: Callable[[str], None]


def plan(
    models: str,
    fog_nodes: str,
    precisions: str,
    *,
    repeats: int,
    rounds: int,
    say: Callable[[str], None],
) -> Plan:
    """Parse comma-separated lists, and check them before anything is measured.

    Raises
    ------
    UserError
        With the option, its value and the possible values.
    """
    chosen = _chosen("--models", models, tuple(IMAGES)), _chosen("--precisions", precisions, KINDS)
    try:
        nodes = tuple(int(text) for text in fog_nodes.split(","))
    except ValueError:
        nodes = ()
    if not nodes or min(nodes) < 1:
        raise UserError(f"--fog-nodes {fog_nodes!r}: must be whole numbers from 1, e.g. 3,5,7")
    return Plan(chosen[0], nodes, chosen[1], repeats, rounds, say)


def _chosen(option: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        check_known(f"{option} {name!r}", name, known)
    return names
