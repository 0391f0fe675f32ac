"""The command line of fog-flower: each command's help says what it does."""

import importlib.metadata
import re
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated, NoReturn

import typer

from fog_flower.errors import UserError
from fog_flower.extras import needed_for
from fog_flower_command import INTERRUPTED_STATUS
from simulations.cli.audit import audit
from simulations.cli.bench import bench
from simulations.cli.check import check
from simulations.cli.compare import compare
from simulations.cli.data import app as data_app
from simulations.cli.demo import demo
from simulations.cli.keys import keys
from simulations.cli.run import go_on, run, show
from simulations.cli.sweep import report, sweep
from simulations.cli.watch import watch
from simulations.quiet import only_errors_of_matplotlib
from simulations.visible import visible

app = typer.Typer(
    help="Federated learning with fog nodes and validated merging, on Flower.",
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
_EXAMPLES: dict[Callable[..., None], str] = {
    demo: "demo",
    run: "run fog-nodes=7 model=cnn num-server-rounds=5",
    go_on: "continue results/runs/mine",
    show: "show mine",
    watch: "watch mine",
    sweep: "sweep table2 --seeds 0-9 --dry-run",
    report: "report table2",
    compare: "compare --strategies gate,FedAvg,honest --attacks sign-flip,alie --malicious 7:3",
    check: "check attack mine:far attack-strength=2.0",
    audit: "audit results/runs/mine --only shipments --out results/audit/mine",
    bench: "bench shares start --out bench-here",
    keys: "keys noise",
}
_NAMES: dict[Callable[..., None], str] = {go_on: "continue"}
AGAIN_SECONDS = 2.0  # after which an interrupt that was swallowed comes again
_SUGGESTION = re.compile(r"( Did you mean [^?]*\?)(\1)+")

for _command, _example in _EXAMPLES.items():
    app.command(_NAMES.get(_command), epilog=f"Example: fog-flower {_example}")(_command)
app.add_typer(data_app, name="data")


@app.callback(invoke_without_command=True)
def _without_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version and exit")] = False,
) -> None:
    if version:
        print(f"fog-flower {importlib.metadata.version('fog-flower')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the CLI; bad input is one line and exit status 1, a Ctrl-C or SIGTERM one and 130."""
    interrupts = _Interrupts()
    only_errors_of_matplotlib()
    try:
        status = _status()
    except (Exception, SystemExit, KeyboardInterrupt):
        # Whatever a library has made of the interrupt while it was imported.
        if not interrupts.seen:
            raise
        status = INTERRUPTED_STATUS
    signal.setitimer(signal.ITIMER_REAL, 0)  # nothing is left to be interrupted
    if status == INTERRUPTED_STATUS:  # what typer makes of a KeyboardInterrupt
        _fail(
            "interrupted; Flower is stopped and all records are kept; to continue, repeat the "
            "command of a sweep or comparison, or use fog-flower continue RUN for a run that has "
            "completed a round",
            status,
        )
    if status:  # without standalone mode, a typer.Exit is only returned
        raise SystemExit(status)


def _status() -> int | None:
    try:
        with needed_for("this command"):
            status: int | None = app(standalone_mode=False)
            return status
    except UserError as error:
        _fail(str(error), 1)
    except Exception as error:
        # typer's own errors: wrong options and the like; everything else keeps its traceback
        if not hasattr(error, "exit_code") or not hasattr(error, "format_message"):
            raise
        message = str(error.format_message())
        if not message.strip():  # of a group without a command: its help has been printed
            raise SystemExit(int(error.exit_code)) from None
        _fail(_SUGGESTION.sub(r"\1", message), int(error.exit_code))


class _Interrupts:
    """Ctrl-C and SIGTERM: an exception, so that what was started is stopped; and noted.

    Libraries may swallow it, while they are imported or in a destructor: then it comes again.
    """

    def __init__(self) -> None:
        self.seen = False
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.seen = True
        signal.signal(signal.SIGALRM, self._again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS, AGAIN_SECONDS)
        raise KeyboardInterrupt

    def _again(self, _number: int, _frame: FrameType | None) -> None:
        """Interrupt again, unless what was started is being stopped right now."""
        handled = sys.exception()
        while handled is not None:
            if isinstance(handled, KeyboardInterrupt):
                return
            handled = handled.__context__
        raise KeyboardInterrupt


def _fail(message: str, status: int) -> NoReturn:
    print(f"fog-flower: {visible(' '.join(message.split()))}", file=sys.stderr)
    raise SystemExit(status)
