"""The facts and artifacts of a run: ``run.json``, status, final model, curves."""

import contextlib
import dataclasses
import traceback
from collections.abc import Iterator
from logging import INFO
from pathlib import Path
from typing import Any

import filelock
from flwr.app import ArrayRecord
from flwr.common import log

from fog_flower.artifacts import CHECKPOINT_FILE, CURVES, MODEL
from fog_flower.causes import describe_failure
from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.environment import git_commit, hardware, onednn, versions
from fog_flower.records.files import write_text
from fog_flower.records.reading import LOCK
from fog_flower.records.recorder import RunRecorder
from fog_flower.simulated import DEPLOYMENT, SIMULATION
from fog_flower.user_code import USER_CODE, user_code
from fog_flower.weights import from_record, same_but_rounding
from strategies.cloud import Cloud
from strategies.continuing.stopped_run import StoppedRun
from strategies.membership import Membership


@dataclasses.dataclass
class Results:
    """The final W, filled in by the run."""

    arrays: ArrayRecord | None = None


def known_facts(
    config: RunConfig,
    cloud: Cloud,
    membership: Membership,
    run_id: int,
    stopped: StoppedRun | None,
) -> dict[str, Any]:
    """Collect the entries of ``run.json`` that are known before round 1."""
    split, dataset = cloud.split, cloud.dataset
    facts = {
        "data": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "train_examples": len(split.train),
            "validation_examples": len(split.validation),
            "test_examples": len(split.test),
            "test_source": config.test_source,
            "shared_examples": sum(one.num_examples for one in membership.introductions.values()),
            **dataset.describe(),
            "train_group_counts": [
                len(group) for group in dataset.task.groups(dataset.train.targets[split.train])
            ],
            "preprocessing": cloud.preprocess.describe(),
        },
        "nodes": node_facts(membership),
        "model_parameters": int(cloud.model.count_params()),
        "seed": config.seed,
        "config": config.to_run_config(),
        "code_identity": code_identity(),
        "git_commit": git_commit(),
        "flower_run_id": str(run_id),
        "federation": SIMULATION if membership.simulated else DEPLOYMENT,
        "versions": versions(),
        "hardware": hardware(),
        "onednn": onednn(),
    }
    code = user_code(config)
    facts |= {USER_CODE: code} if code else {}
    if stopped:
        facts |= {"stretches": stopped.stretches, **membership.repeats.to_record()}
    return facts


def node_facts(membership: Membership) -> dict[str, Any]:
    """Collect the entries of ``run.json`` about fog nodes; one that never joined has 0 examples."""
    nodes = membership.introductions
    everyone = [nodes.get(fog) for fog in range(membership.places)]
    return {
        "num_examples": [one.num_examples if one else 0 for one in everyone],
        "end_node_examples": [list(one.end_node_examples) if one else [] for one in everyone],
        "bytes_from_end_nodes": sum(one.bytes_received for one in nodes.values()),
        "refused_shipments": [line for one in everyone if one for line in one.refused],
        "precision": ", ".join(sorted({one.precision for one in nodes.values()})),
        "threads": sorted({one.threads for one in nodes.values()}),
        "never_there": [fog for fog, one in enumerate(everyone) if one is None],
    }


@contextlib.contextmanager
def keep_results(recorder: RunRecorder, cloud: Cloud, config: RunConfig) -> Iterator[Results]:
    """Start the trackers; on exit save the artifacts, or record the error and re-raise it.

    Inside the block, a file lock shows readers of the records that the run is still going on. The
    operating system releases it when this process ends, even if it is killed.
    """
    path = recorder.folder / LOCK
    with filelock.FileLock(path):
        try:
            with _cause_kept(recorder):
                recorder.start_tracking()
                results = Results()
                yield results
                recorder.check_progress(w_changed=_changed(results, cloud, config))
                _keep_artifacts(recorder.folder, results, cloud, config)
            recorder.finish()
        finally:
            if recorder.ended:  # otherwise a free lock shows that the run was abandoned
                path.unlink(missing_ok=True)
    (recorder.folder / CHECKPOINT_FILE).unlink(missing_ok=True)
    log(INFO, "records: %s", recorder.folder)


def _changed(results: Results, cloud: Cloud, config: RunConfig) -> bool:
    """Check whether W differs from the initial W by more than the rounding of its averages."""
    now = from_record(results.arrays) if results.arrays else cloud.initial_weights
    sums = config.num_server_rounds * config.fog_nodes
    return not same_but_rounding(now, cloud.initial_weights, sums)


@contextlib.contextmanager
def _cause_kept(recorder: RunRecorder) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        recorder.interrupt()
        raise
    except BaseException as error:
        if not isinstance(error, UserError) or error.__cause__ is not None:
            with contextlib.suppress(UserError):  # the cause matters more
                write_text(recorder.folder / "traceback.txt", traceback.format_exc())
        recorder.fail(describe_failure(error))
        raise


def _keep_artifacts(folder: Path, results: Results, cloud: Cloud, config: RunConfig) -> None:
    wanted = config.artifacts
    if MODEL in wanted and results.arrays is not None:
        cloud.model.set_weights(from_record(results.arrays))
        cloud.model.save(folder / "model.keras")
    if CURVES in wanted:
        from fog_flower.records.curves import draw_curves  # noqa: PLC0415  (it takes 2 s)

        draw_curves(folder, f"{folder.name} on {cloud.dataset.name}")
