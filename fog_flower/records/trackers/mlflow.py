"""Logs to MLflow (``trackers=mlflow``), in the run's folder unless the user names a server."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.errors import UserError
from fog_flower.extras import TRACKING, require
from fog_flower.records.trackers._figures import of_round
from fog_flower.records.trackers._files import files_to_keep

EXPERIMENT = "fog-flower"
URI = "MLFLOW_TRACKING_URI"
STORE, ARTIFACTS = "mlflow.db", "mlflow-artifacts"
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_LARGEST_BATCH = 1000  # metrics in one request, MLflow's own limit
_SERVERS = ("http", "databricks", "uc")  # these decide where artifacts are stored


class MLflow:
    """Logs a run to MLflow, in ``mlflow.db`` and ``mlflow-artifacts`` of the run's folder.

    ``MLFLOW_TRACKING_URI`` in the environment names another store, e.g. a server, or one database
    for all runs; ``MLFLOW_EXPERIMENT_NAME`` another experiment.
    """

    def __init__(self) -> None:
        require("trackers='mlflow'", "mlflow", extra=TRACKING)
        if not _server():
            require("trackers='mlflow'", "sqlalchemy", "alembic", extra=TRACKING)

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Begin a run of the same name, with the configuration as parameters and facts as tags."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # on by default
        from mlflow import MlflowClient  # noqa: PLC0415  (2 s)
        from mlflow.entities import Param, RunTag  # noqa: PLC0415

        for chatty in ("mlflow.store.db.utils", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._folder, self._facts = folder, facts
        uri = _configured()
        self._client = MlflowClient(tracking_uri=uri or f"sqlite:///{folder / STORE}")
        artifacts = None if _server() else (folder.parent if uri else folder) / ARTIFACTS
        experiment = self._experiment(artifacts)
        self._id = self._client.create_run(experiment, run_name=folder.name).info.run_id
        self._client.log_batch(
            self._id,
            params=[Param(name, str(value)) for name, value in facts["config"].items()],
            tags=[RunTag(name, str(value)) for name, value in _tags(facts).items()],
        )

    def log(self, row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> None:
        """Log one round, with its number as MLflow's step."""
        from mlflow.entities import Metric  # noqa: PLC0415

        now, step = int(time.time() * 1000), int(row["round"])
        figures = of_round(row, updates).items()
        metrics = [Metric(name, value, now, step) for name, value in figures]
        for first in range(0, len(metrics), _LARGEST_BATCH):
            self._client.log_batch(self._id, metrics=metrics[first : first + _LARGEST_BATCH])

    def end(self, status: str) -> None:
        """Save the run's tables and plot, and end MLflow's run with the run's status."""
        for path in files_to_keep(self._folder, self._facts):
            self._client.log_artifact(self._id, str(path))
        self._client.set_terminated(self._id, _STATUS[status])

    def _experiment(self, artifacts: Path | None) -> str:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        if found is None:
            place = artifacts.as_uri() if artifacts else None
            try:
                return str(self._client.create_experiment(name, artifact_location=place))
            except MlflowException:  # another run has just created it
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)


def _configured() -> str:
    """Return the tracking URI that the user has set; empty if none.

    Raises
    ------
    UserError
        If it is a relative path, which would be another place in the run's own process.
    """
    uri = os.environ.get(URI, "")
    scheme, colon, rest = uri.partition(":")
    absolute = "sqlite:////", "file:///"
    relative = not colon or (scheme in ("sqlite", "file") and not uri.startswith(absolute))
    if uri and relative and not Path(uri).is_absolute():
        path = Path((rest if colon else uri).lstrip("/")).absolute()
        raise UserError(
            f"{URI}={uri!r}: must be absolute, because Flower runs the app elsewhere; use e.g. "
            f"sqlite:///{path}"
        )
    return uri


def _server() -> bool:
    return _configured().partition(":")[0].startswith(_SERVERS)


def _tags(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts by which users look up a run; all others are in ``run.json``."""
    tags = {n: v for n, v in facts.items() if isinstance(v, str | int | float) and v != ""}
    return tags | {f"data.{name}": facts["data"][name] for name in ("name", "sha256")}
