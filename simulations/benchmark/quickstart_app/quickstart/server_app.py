"""The ServerApp of the quickstart, which also records the training time of each round."""

import time
from collections.abc import Iterable
from pathlib import Path

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from .task import load_model

app = ServerApp()


class TimedFedAvg(FedAvg):
    """FedAvg that appends the seconds from sending the model to the last reply to a file.

    Unlike the quickstart, nodes do not evaluate, because only training is compared.
    """

    def __init__(self, times: Path) -> None:
        super().__init__(fraction_evaluate=0.0, min_available_nodes=1, min_train_nodes=1)
        self._times = times
        self._began = 0.0

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Start the clock, and configure the round."""
        self._began = time.perf_counter()
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Record the training time, and average the replies."""
        replies = list(replies)
        failed = [reply.error.reason for reply in replies if reply.has_error()]
        if failed:
            raise RuntimeError(failed[0])
        with self._times.open("a") as file:
            file.write(f"{time.perf_counter() - self._began}\n")
        return super().aggregate_train(server_round, replies)


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run FedAvg."""
    settings = context.run_config
    model = load_model(str(settings["model"]), float(settings["learning-rate"]))
    TimedFedAvg(Path(str(settings["times"]))).start(
        grid=grid,
        initial_arrays=ArrayRecord(model.get_weights()),
        num_rounds=int(settings["num-server-rounds"]),
    )
