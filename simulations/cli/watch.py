"""``fog-flower watch``: live curves of a run or sweep in a browser."""

import webbrowser
from typing import Annotated

import typer

from fog_flower.errors import UserError
from simulations.cli.terminal import terminal

FOLDER = typer.Argument(
    metavar="[RUN]",
    help="folder or name of a run, sweep, comparison or demo; default: the latest",
)


def watch(
    run: Annotated[str, FOLDER] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port")] = 0,
    browser: Annotated[bool, typer.Option(help="open it in a browser")] = False,
) -> None:
    """Show curves, decisions and the remaining time on a page that updates itself.

    RUN is a folder, or a name in results/runs, of a running or finished run. The page is only
    reachable from this machine, until Ctrl-C.
    """
    from simulations.watch.look import find_watched  # noqa: PLC0415  (pandas, seaborn)
    from simulations.watch.server import WatchServer  # noqa: PLC0415

    folder = find_watched(run).absolute()
    try:
        server = WatchServer(folder, port)
    except OSError as error:
        raise UserError(
            f"--port {port}: cannot be used ({error.strerror}); choose another, or 0"
        ) from error
    terminal.say(f"watching {folder}; press Ctrl-C to stop")
    terminal.say(server.address)
    if browser:
        webbrowser.open(server.address)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            terminal.say("stopped watching; the run is not affected")
