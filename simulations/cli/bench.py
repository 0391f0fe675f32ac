"""``fog-flower bench``: speed compared with a bare Keras loop and a plain Flower app."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from fog_flower.suggestion import check_known
from simulations.benchmark.parts import PARTS
from simulations.cli.terminal import terminal

WHAT = typer.Argument(
    metavar="[PART]...",
    help=f"any of {', '.join(PARTS)}; default: all (3 hours)",
)
PRECISIONS = typer.Option(help="comma-separated: float32,bfloat16")
OUT = typer.Option(help="folder for figures, table and picture")


def bench(
    parts: Annotated[list[str] | None, WHAT] = None,
    models: Annotated[str, typer.Option(help="comma-separated: cnn,mlp")] = "cnn,mlp",
    fog_nodes: Annotated[str, typer.Option(help="comma-separated")] = "3,5,7",
    precisions: Annotated[str, PRECISIONS] = "float32,bfloat16",
    repeats: Annotated[
        int, typer.Option(min=1, help="how often the compared programs alternate")
    ] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="timed rounds per run")] = 3,
    out: Annotated[str, OUT] = "results/bench",
    report_only: Annotated[
        bool, typer.Option("--report-only", help="measure nothing; report what is in --out")
    ] = False,
) -> None:
    """Measure speed, start-up and memory. Nothing else should run on the machine.

    All parts take three hours on 2 cores. Each figure is saved in --out at once, and none is ever
    removed. The report uses the latest session of each case, because comparisons (a model on a
    number of fog nodes) are only valid within a session; so use a separate --out to try it.
    """
    folder = Path(out).expanduser().absolute()
    if not report_only:
        _measure(parts or [], (models, fog_nodes, precisions), repeats, rounds, folder)
    from simulations.benchmark.bench_report import write_benchmark  # noqa: PLC0415  (seaborn)

    for label, path in write_benchmark(folder):
        terminal.say(f"{label}: {path}")


def _measure(
    parts: list[str], lists: tuple[str, str, str], repeats: int, rounds: int, folder: Path
) -> None:
    from simulations.benchmark.bench_plan import plan  # noqa: PLC0415
    from simulations.benchmark.ledger import Ledger  # noqa: PLC0415
    from simulations.overrides import configure  # noqa: PLC0415
    from simulations.preflight import check  # noqa: PLC0415

    asked = plan(
        *lists,
        repeats=repeats,
        rounds=rounds,
        say=terminal.say,
    )
    chosen = PARTS if not parts else tuple(parts)
    for part in chosen:
        check_known(f"bench {part}", part, PARTS)
    config = configure("demo", [])
    ledger = Ledger(folder, config.dataset)
    check(config)  # renders the images if they are not cached yet
    for part in chosen:
        importlib.import_module(f"simulations.benchmark.parts.{part}").measure(asked, ledger)
