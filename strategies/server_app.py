"""The ServerApp: checks everything, meets the fog nodes, runs the rounds, keeps the records."""

from typing import cast

from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import Strategy

from fog_flower.artifacts import CHECKPOINT
from fog_flower.config import FINAL, OFF, RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.records.recorder import RunRecorder
from fog_flower.records.run_folder import run_folder
from fog_flower.records.tracking import build_trackers
from fog_flower.scratch import clear_scratch
from fog_flower.simulated import check_noise_source, warn_of_open_ray
from fog_flower.weights import from_record, to_record
from strategies.build import build_gate, gated_strategy, inner_strategy
from strategies.continuing.repeated import continuation
from strategies.ledger import Ledger
from strategies.membership import Membership
from strategies.own_evaluation import own_evaluations

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run the configured number of rounds and record each of them."""
    try:
        _run(grid, context)
    finally:
        clear_scratch(context.run_id)


def _run(grid: Grid, context: Context) -> None:
    warn_of_open_ray(grid)
    config = RunConfig.from_run_config(context.run_config)
    folder = run_folder(config)
    strategy = inner_strategy(config)
    draws = hasattr(strategy, "guarantee")  # a promise of its own, by noise
    tracking = build_trackers(config.trackers, only_w=draws)
    if config.gate != OFF:
        build_gate(config)
    with continuation(config, folder, context.run_id) as start:
        membership = Membership(grid, config, start.repeats)
        check_noise_source(config, simulated=membership.simulated, strategy_draws=draws)
        membership.find_nodes()

        # TensorFlow takes seconds to load, so everything that does not need it is checked first.
        from fog_flower.tensorflow_setup import configure_tensorflow  # noqa: PLC0415
        from strategies.cloud import Cloud  # noqa: PLC0415
        from strategies.continuing.continuable import Continuable  # noqa: PLC0415
        from strategies.continuing.stopped_run import stopped_run  # noqa: PLC0415
        from strategies.refit import refit  # noqa: PLC0415
        from strategies.results import keep_results, known_facts, node_facts  # noqa: PLC0415

        configure_tensorflow()
        dataset = load_dataset(config)
        stopped = stopped_run(config, dataset.sha256)
        cloud = Cloud(config, dataset)
        # Meanwhile the fog nodes prepare their data.
        untrained = cloud.evaluate(cloud.initial_weights)
        membership.introduce(dataset.identity(), dataset.sha256)

        gated = gated_strategy(
            config,
            strategy,
            cloud.validation,
            membership.fog_nodes,
            cloud.reference_trainer,
            cloud.trainer,
            examples=len(cloud.split.train),
        )
        facts = known_facts(config, cloud, membership, context.run_id, stopped)
        recorder = RunRecorder(folder, facts, facts["nodes"]["bytes_from_end_nodes"], tracking)
        ledger = Ledger(folder, config, strategy, gated.masks, start.repeats)

        def evaluate_and_record(server_round: int, arrays: ArrayRecord) -> MetricRecord:
            if server_round == 0:
                evaluation = untrained
                recorder.record_start(evaluation)
            else:
                evaluation = cloud.evaluate(from_record(arrays))
                assert gated.report is not None  # noqa: S101  (a round has just been merged)
                recorder.know({"nodes": node_facts(membership)})  # a fog node may have joined late
                ledger.write(membership.introductions.values())  # likewise
                recorder.record_round(gated.report.with_note(membership.note()), evaluation)
            return MetricRecord(
                {
                    "validation-accuracy": evaluation.validation.accuracy,
                    "test-accuracy": evaluation.test.accuracy,
                }
            )

        with keep_results(recorder, cloud, config) as results:
            ledger.write(membership.introductions.values())
            rounds: Strategy = gated
            if stopped or CHECKPOINT in config.artifacts:
                rounds = Continuable(gated, recorder, config, dataset.sha256, stopped)
            start.begin()
            results.arrays = rounds.start(
                grid=cast(Grid, membership),
                initial_arrays=to_record(cloud.initial_weights),
                num_rounds=config.num_server_rounds,
                timeout=config.round_timeout,
                evaluate_fn=evaluate_and_record,
            ).arrays
            if config.refit_epochs:
                results.arrays = refit(cloud, config, results.arrays, recorder)
            if config.own_evaluation == FINAL:
                own = own_evaluations(
                    cast(Grid, membership), membership.fog_nodes, results.arrays, config
                )
                recorder.know({"own_evaluation": own})
