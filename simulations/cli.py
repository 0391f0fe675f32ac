"""The command line of fog-flower: each command's help says what it does."""

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from fog_flower.errors import UserError
from simulations.bench_commands import bench
from simulations.compare_commands import check_strategy, compare
from simulations.data_commands import app as data_app
from simulations.key_help import key_help
from simulations.sweep_commands import report, sweep

app = typer.Typer(
    help="Fog federated learning with validated merging, on Flower.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(data_app, name="data")
console = Console()
INTERRUPTED_STATUS = 130


@app.command()
def run(
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="see `fog-flower keys`"),
    ] = None,
    preset: Annotated[str, typer.Option(help="demo, paper-mlp or paper-cnn")] = "demo",
    engine: Annotated[
        str,
        typer.Option(help="ray: `flwr run`; inline: all in this process, to debug or to try"),
    ] = "ray",
    actors: Annotated[
        int | None,
        typer.Option(
            min=1, help="fog nodes that train at the same time; by default what is fastest"
        ),
    ] = None,
) -> None:
    """Run a fog simulation, or the centralized baseline, and tell how it really ended.

    KEY=VALUE changes the preset; `fog-flower keys` lists the keys.
    """
    # Imported here, so that --help and wrong input are answered at once.
    from simulations.display import (  # noqa: PLC0415
        RunDisplay,
        describe_tiers,
        print_run,
        render_progress,
    )
    from simulations.engines import engine_named  # noqa: PLC0415
    from simulations.overrides import configure  # noqa: PLC0415
    from simulations.preflight import check, import_from_here  # noqa: PLC0415

    launch = engine_named(engine)
    import_from_here()
    config = configure(preset, settings or [])
    with render_progress(console) as bar:
        task = bar.add_task("", total=None, visible=False)
        dataset = check(
            config,
            lambda done, total: bar.update(task, completed=done, total=total, visible=True),
        )
    console.print(
        f"[bold]{describe_tiers(config.to_run_config())}[/bold], "
        f"{config.model}, {config.rounds} rounds on {dataset.name}"
    )
    with RunDisplay(console, config.rounds) as display:
        outcome = launch(config, display.update, actors)
    if (outcome.folder / "run.json").exists():
        print_run(console, outcome.folder)
    if outcome.cause:
        raise UserError(f"the run failed: {outcome.cause}")


app.command()(sweep)
app.command()(report)
app.command()(compare)
app.command()(check_strategy)
app.command()(bench)


@app.command()
def show(run: Annotated[str, typer.Argument(help="a run's folder or name")]) -> None:
    """Show a run's figures from its records.

    RUN is its folder, or its name below results/runs.
    """
    from simulations.display import print_run  # noqa: PLC0415
    from simulations.run_files import find_run  # noqa: PLC0415

    print_run(console, find_run(run))


@app.command()
def keys() -> None:
    """List every configuration key, its default and its meaning."""
    from simulations.app_folder import default_run_config  # noqa: PLC0415

    defaults = default_run_config()
    table = Table("key", "default", "meaning")
    for key, meaning in key_help():
        table.add_row(key, repr(defaults[key]), meaning.replace("[", r"\["))
    console.print(table)


def main() -> None:
    """Run the CLI; bad input is one line and exit status 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = app(standalone_mode=False)
    except UserError as error:
        _fail(str(error), 1)
    except Exception as error:
        # typer's own errors: wrong options and the like; everything else keeps its traceback
        if not hasattr(error, "exit_code") or not hasattr(error, "format_message"):
            raise
        _fail(str(error.format_message()), int(error.exit_code))
    if status == INTERRUPTED_STATUS:  # what typer makes of a KeyboardInterrupt
        _fail(
            "interrupted; Flower is stopped, what is recorded is kept, and a sweep or comparison "
            "goes on with the same command",
            status,
        )
    if status:  # without standalone mode, a typer.Exit is only returned
        raise SystemExit(status)


def _fail(message: str, status: int) -> NoReturn:
    print(f"fog-flower: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(status)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
