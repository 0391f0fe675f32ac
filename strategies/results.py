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

from fog_flower.artifacts import CHECKPOINT_FILE, CURVES, MODEL
from fog_flower.causes import describe_failure
from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.environment import git_commit, hardware, onednn, versions
from fog_flower.records.files import write_text
from fog_flower.records.recorder import RunRecorder
from fog_flower.records.trackers import build_tracker
from fog_flower.weights import from_record
from strategies.cloud import Cloud
from strategies.continuing.stopped_run import StoppedRun
from strategies.handshake import Federation


@dataclasses.dataclass
class Results:
    """Filled in by the run."""

    arrays: ArrayRecord | None = None


def known_facts(
    config: RunConfig,
    cloud: Cloud,
    federation: Federation,
    run_id: int,
    stopped: StoppedRun | None,
) -> dict[str, Any]:
    """Collect what ``run.json`` tells besides status and figures."""
    split, dataset = cloud.split, cloud.dataset
    facts = {
        "data": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "train_examples": len(split.train),
            "validation_examples": len(split.validation),
            "test_examples": len(split.test),
            "test_source": config.test_source,
            "shared_examples": sum(federation.num_examples.values()),
            **dataset.describe(),
            "train_group_counts": [
                len(group) for group in dataset.task.groups(dataset.train.targets[split.train])
            ],
            "preprocessing": cloud.preprocess.describe(),
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
    return facts | ({"stretches": stopped.stretches} if stopped else {})


def start_records(
    config: RunConfig, folder: Path, facts: dict[str, Any], federation: Federation
) -> RunRecorder:
    """Create the run's folder, and tell the configured trackers of it."""
    trackers = [build_tracker(name) for name in config.trackers]
    recorder = RunRecorder(folder, facts, federation.bytes_from_end_nodes, trackers)
    for tracker in trackers:
        tracker.start(folder, facts)
    return recorder


@contextlib.contextmanager
def keep_results(recorder: RunRecorder, cloud: Cloud, config: RunConfig) -> Iterator[Results]:
    """Save model and pictures at the end; on an error, record the cause and let it pass."""
    results, wanted = Results(), config.artifacts
    try:
        yield results
        recorder.check_progress()
        if MODEL in wanted and results.arrays is not None:
            cloud.model.set_weights(from_record(results.arrays))
            cloud.model.save(recorder.folder / "model.keras")
        if CURVES in wanted:
            from fog_flower.records.curves import draw_curves  # noqa: PLC0415  (it takes 2 s)

            draw_curves(recorder.folder, f"{recorder.folder.name} on {cloud.dataset.name}")
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
