"""The ServerApp: a recipe. Check everything, shake hands, run the rounds, keep the records."""

import os

from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from fog_flower.artifacts import CHECKPOINT, parse_artifacts
from fog_flower.config import RunConfig
from fog_flower.data.sources import load_dataset
from fog_flower.handshake import ask, find_nodes, introduce
from fog_flower.records.recorder import RunRecorder
from fog_flower.records.run_folder import run_folder
from fog_flower.references import load_reference
from fog_flower.scratch import clear_scratch
from fog_flower.simulation_parts import simulation_part
from fog_flower.topology import Topology
from fog_flower.variables import LAUNCHER_VARIABLE
from fog_flower.weights import from_record, to_record

# By reference, Flower's own grammar: this package never imports those that build on it.
STRATEGY, GATE = "strategies.cloud:inner_strategy", "strategies.cloud:cloud_strategy"

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run the configured number of rounds and record each of them."""
    if LAUNCHER_VARIABLE in os.environ:
        simulation_part("orphan_watch", LAUNCHER_VARIABLE).end_with_launcher()
    try:
        _run(grid, context)
    finally:
        clear_scratch(context.run_id)


def _run(grid: Grid, context: Context) -> None:
    config = RunConfig.from_run_config(context.run_config)
    folder = run_folder(config)
    strategy = load_reference(STRATEGY, "strategy")(config)
    topology = Topology(config.fog_nodes, config.end_nodes)
    asked = ask(grid, find_nodes(grid, topology))

    # TensorFlow takes seconds to load: whatever can fail without it has been checked.
    from fog_flower.cloud import Cloud  # noqa: PLC0415
    from fog_flower.records.results import keep_results, known_facts, observers  # noqa: PLC0415
    from fog_flower.tensorflow_setup import configure_tensorflow  # noqa: PLC0415

    configure_tensorflow()
    dataset = load_dataset(config)
    stopped = None
    if config.continue_from:
        part = simulation_part("continuing.stopped_run", "continue-from")
        stopped = part.read_stopped(config, dataset.sha256)
    cloud = Cloud(config, dataset)
    untrained = cloud.evaluate(cloud.initial_weights)  # while the fog nodes still get ready
    federation = introduce(grid, topology, asked, config.round_timeout)

    facts = known_facts(config, dataset, cloud, federation, context.run_id)
    if stopped:
        facts["stretches"] = stopped.stretches
    recorder = RunRecorder(
        folder, facts, federation.bytes_from_end_nodes, observers(config, folder)
    )
    gated = load_reference(GATE, "validation")(
        config, strategy, cloud.validation, federation.fog_nodes, cloud.reference_trainer
    )

    def evaluate_and_record(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        if server_round == 0:
            evaluation = untrained
            recorder.record_start(evaluation)
        else:
            evaluation = cloud.evaluate(from_record(arrays))
            recorder.record_round(gated.report, evaluation)
        return MetricRecord(
            {
                "validation-accuracy": evaluation.validation.accuracy,
                "test-accuracy": evaluation.test.accuracy,
            }
        )

    with keep_results(recorder, cloud, config, dataset.name) as results:
        rounds = gated
        if stopped or CHECKPOINT in parse_artifacts(config.artifacts):
            part = simulation_part("continuing.continuable", f"artifacts={config.artifacts!r}")
            rounds = part.Continuable(gated, recorder, config, dataset.sha256, stopped)
        results.arrays = rounds.start(
            grid=grid,
            initial_arrays=to_record(cloud.initial_weights),
            num_rounds=config.rounds,
            timeout=config.round_timeout,
            evaluate_fn=evaluate_and_record,
        ).arrays
