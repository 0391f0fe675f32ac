"""The end of a run, good or bad: status, final model, pictures."""

import contextlib
import dataclasses
import traceback
from collections.abc import Iterator
from logging import INFO
from pathlib import Path
from typing import Any

from flwr.app import ArrayRecord
from flwr.common import log

from fog_flower.artifacts import CHECKPOINT_FILE, CURVES, MODEL, TENSORBOARD, parse_artifacts
from fog_flower.causes import describe_failure
from fog_flower.cloud import Cloud
from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.data.images import Dataset
from fog_flower.data.split import class_counts
from fog_flower.errors import UserError
from fog_flower.handshake import Federation
from fog_flower.records.environment import git_commit, hardware, onednn, versions
from fog_flower.records.files import write_text
from fog_flower.records.recorder import Observer, RunRecorder
from fog_flower.simulation_parts import check_part, simulation_part
from fog_flower.weights import from_record


@dataclasses.dataclass
class Results:
    """Filled in by the run."""

    arrays: ArrayRecord | None = None


def known_facts(
    config: RunConfig, dataset: Dataset, cloud: Cloud, federation: Federation, run_id: int
) -> dict[str, Any]:
    """Collect what ``run.json`` tells besides status and figures."""
    split = cloud.split
    return {
        "data": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "train_images": len(split.train),
            "validation_images": len(split.validation),
            "test_images": len(split.test),
            "train_class_counts": class_counts(dataset.train.labels[split.train]),
        },
        "nodes": {
            "num_examples": [federation.num_examples[fog] for fog in range(config.fog_nodes)],
            "end_node_examples": [
                federation.end_node_examples[fog] for fog in range(config.fog_nodes)
            ],
            "bytes_from_end_nodes": federation.bytes_from_end_nodes,
            "refused_shipments": list(federation.refused_shipments),
            "precision": ", ".join(federation.precisions),
            "threads": list(federation.threads),
        },
        "model_parameters": int(cloud.model.count_params()),
        "seed": config.seed,
        "config": config.to_run_config(),
        "code_identity": code_identity(),
        "git_commit": git_commit(),
        "flower_run_id": str(run_id),
        "versions": versions(),
        "hardware": hardware(),
        "onednn": onednn(),
    }


def observers(config: RunConfig, folder: Path) -> list[Observer]:
    """Return what follows the run round by round."""
    if TENSORBOARD not in parse_artifacts(config.artifacts):
        return []
    return [
        simulation_part("tensorboard", f"artifacts={config.artifacts!r}").TensorBoardWriter(folder)
    ]


@contextlib.contextmanager
def keep_results(
    recorder: RunRecorder, cloud: Cloud, config: RunConfig, data_name: str
) -> Iterator[Results]:
    """Save model and pictures at the end; on an error, record the cause and let it pass."""
    results, wanted = Results(), parse_artifacts(config.artifacts)
    asked = f"artifacts={config.artifacts!r}"
    try:
        if CURVES in wanted:
            check_part("curves", asked)
        yield results
        recorder.check_progress()
        if MODEL in wanted and results.arrays is not None:
            cloud.model.set_weights(from_record(results.arrays))
            cloud.model.save(recorder.folder / "model.keras")
        if CURVES in wanted:
            drawing = simulation_part("curves", asked)  # imported late: it takes 2 s
            drawing.draw_curves(recorder.folder, f"{recorder.folder.name} on {data_name}")
    except KeyboardInterrupt:
        recorder.interrupt()
        raise
    except BaseException as error:
        if not isinstance(error, UserError):
            write_text(recorder.folder / "traceback.txt", traceback.format_exc())
        recorder.fail(describe_failure(error))
        raise
    recorder.finish()
    (recorder.folder / CHECKPOINT_FILE).unlink(missing_ok=True)
    log(INFO, "records: %s", recorder.folder)
