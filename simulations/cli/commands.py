"""The command line of fog-flower: each command's help says what it does."""

import signal
import sys
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table

from fog_flower.errors import UserError
from simulations.cli.bench import bench
from simulations.cli.compare import check_strategy, compare
from simulations.cli.data import app as data_app
from simulations.cli.keys import key_help
from simulations.cli.run import go_on, run, show
from simulations.cli.sweep import report, sweep

app = typer.Typer(
    help="Fog federated learning with validated merging, on Flower.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(data_app, name="data")
console = Console()
INTERRUPTED_STATUS = 130


app.command()(run)
app.command("continue")(go_on)
app.command()(show)
app.command()(sweep)
app.command()(report)
app.command()(compare)
app.command()(check_strategy)
app.command()(bench)


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
            "interrupted; Flower is stopped, what is recorded is kept; a sweep or comparison goes "
            "on with the same command, a run with fog-flower continue RUN",
            status,
        )
    if status:  # without standalone mode, a typer.Exit is only returned
        raise SystemExit(status)


def _fail(message: str, status: int) -> NoReturn:
    print(f"fog-flower: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(status)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
