"""Makes our run of a case, and reads its rounds from the records."""

import tempfile
from pathlib import Path
from typing import Any

from fog_flower.architecture import Scalar
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.reading import read_rounds, read_run
from simulations.benchmark.cases import Case, config_of
from simulations.engines import RAY, engine_named
from simulations.engines.outcome import Watch
from simulations.preflight import check
from simulations.reports.time_shares import PARTS, shares

WARM_UP_ROUNDS = 1  # in which graphs are traced and data is first read


def timed_rounds(case: Case, engine: str = RAY, **settings: Scalar) -> list[dict[str, Any]]:
    """Run a case and return the times of each round after the warm-up.

    Returns
    -------
    rounds : list of dict
        ``training_seconds`` from sending W to having all updates; ``validation_seconds`` of gate,
        local models and merged model on the validation images; ``test_seconds``; ``rest_seconds``.

    Raises
    ------
    UserError
        If the run fails.
    """
    with tempfile.TemporaryDirectory() as parent:
        every = case.rounds + WARM_UP_ROUNDS
        config = config_of(case, Path(parent), num_server_rounds=every, **settings)
        folder = finished_run(config, engine)
        data = read_run(folder)["data"]
        rows = read_rounds(folder)[1 + WARM_UP_ROUNDS :]
    return [where_time_went(row, data) for row in rows]


def finished_run(config: RunConfig, engine: str, watch: Watch = lambda _: None) -> Path:
    """Make a run that must finish, and return its folder.

    Raises
    ------
    UserError
        If the run fails.
    """
    check(config, spare_tensorflow=engine == RAY)
    outcome = engine_named(engine)(config, watch)
    if outcome.cause:
        raise UserError(f"bench: {config.run_name} failed: {outcome.cause}")
    return outcome.folder


def where_time_went(row: dict[str, str], data: dict[str, Any]) -> dict[str, float]:
    """Return the seconds of each part of a round, from its row and the ``data`` of its run.

    Raises
    ------
    UserError
        If the round took no time.
    """
    spent = shares([row], data)
    if spent is None:
        raise UserError(f"bench: round {row['round']} took no time")
    return {f"{name}_seconds": round(getattr(spent, name) * spent.seconds, 4) for name in PARTS}
