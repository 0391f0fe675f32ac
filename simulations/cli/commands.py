"""The commands of fog-flower, and the handling of errors and interrupts."""

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
from simulations.cli.options import key_for_option
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
    audit: "audit results/runs/mine --only shipments",
    bench: "bench scale start --out bench-here",
    keys: "keys noise",
}
_NAMES: dict[Callable[..., None], str] = {go_on: "continue"}
_RESUMED = dict.fromkeys(("sweep", "compare", "demo"), "runs that are recorded are not repeated")
_RESUMED["audit"] = "audits whose findings are recorded in --out are not repeated"
AGAIN_SECONDS = 2.0  # interval at which a swallowed interrupt is raised again
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
    """Run the CLI, and end with one line of text on bad input or an interrupt.

    The exit status is 1 for a ``UserError``, 130 after Ctrl-C or SIGTERM, and typer's own for
    wrong options.
    """
    interrupts = _Interrupts()
    only_errors_of_matplotlib()
    try:
        status = _status()
    except (Exception, SystemExit, KeyboardInterrupt):
        # A library may replace the interrupt by another exception while it is imported.
        if not interrupts.seen:
            raise
        status = INTERRUPTED_STATUS
    signal.setitimer(signal.ITIMER_REAL, 0)  # stop repeating the interrupt
    if status == INTERRUPTED_STATUS:  # also typer's status for a KeyboardInterrupt
        _fail(_interrupted(), status)
    if status:  # without standalone mode, typer returns the status of a typer.Exit
        raise SystemExit(status)


def _interrupted() -> str:
    """Return what an interrupt means for the command that was typed, and how to continue it."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command in ("run", _NAMES[go_on]):
        return (
            "interrupted; Flower is stopped and all records are kept; to continue, use fog-flower "
            "continue RUN if the run has completed a round"
        )
    if told := _RESUMED.get(command):
        return f"interrupted; all records are kept; to continue, repeat the command: {told}"
    return "interrupted"


def _status() -> int | None:
    try:
        with needed_for("this command"):
            status: int | None = app(standalone_mode=False)
            return status
    except UserError as error:
        _fail(str(error), 1)
    except Exception as error:
        # typer's own errors, e.g. wrong options; any other exception keeps its traceback
        if not hasattr(error, "exit_code") or not hasattr(error, "format_message"):
            raise
        message = key_for_option(error) or str(error.format_message())
        if not message.strip():  # a group without a command: its help has been printed
            raise SystemExit(int(error.exit_code)) from None
        _fail(_SUGGESTION.sub(r"\1", message), int(error.exit_code))


class _Interrupts:
    """Handlers that turn Ctrl-C and SIGTERM into ``KeyboardInterrupt``, and note them in ``seen``.

    The exception lets callers stop what they started. Libraries may swallow it while they are
    imported or in a destructor, so it is raised again every ``AGAIN_SECONDS``.
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
        """Raise the interrupt again, unless it is being handled."""
        handled = sys.exception()
        while handled is not None:
            if isinstance(handled, KeyboardInterrupt):
                return
            handled = handled.__context__
        raise KeyboardInterrupt


def _fail(message: str, status: int) -> NoReturn:
    print(f"fog-flower: {visible(' '.join(message.split()))}", file=sys.stderr)
    raise SystemExit(status)
