"""The command ``fog-flower``: what must be done before any other module is imported.

It is a separate module, because a user's folder of the same name may hide our packages.
"""

import importlib.util
import os
import signal
import sys
from pathlib import Path
from types import FrameType

INTERRUPTED_STATUS = 130
OURS = ("fog_flower", "clients", "strategies", "simulations")
_HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the command line of fog-flower."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in a background job
            signal.signal(number, _end)
    put_user_folders_last()
    if clash := hidden_package():
        sys.exit(f"fog-flower: {clash}")
    from simulations.cli import main as run  # noqa: PLC0415

    run()


def put_user_folders_last() -> None:
    """Move ``PYTHONPATH`` and the current folder to the end of Python's search path.

    Otherwise a user's folder ``strategies`` or file ``ray.py`` would hide our package or the
    library. Modules there can still be imported if their names are unique.
    """
    told = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    users = {Path(entry).resolve() for entry in told if entry} | {Path.cwd()}
    last = [entry for entry in sys.path if Path(entry).resolve() in users - {_HERE}]
    sys.path[:] = [entry for entry in sys.path if entry not in last] + last


def hidden_package() -> str:
    """Return a one-line message if something hides one of our packages; else an empty text."""
    for name in OURS:
        spec = importlib.util.find_spec(name)
        expected = _HERE / name / "__init__.py"
        if spec is None or Path(spec.origin or "").resolve() != expected:
            found = spec and (spec.origin or next(iter(spec.submodule_search_locations or []), ""))
            return (
                f"its package {name!r} is hidden by {found or 'nothing, but missing'} (it is at "
                f"{expected.parent}): rename that, or remove it from where Python looks"
            )
    return ""


def _end(_number: int, _frame: FrameType | None) -> None:
    # Nothing has been started, so there is nothing to clean up. An exception could be swallowed by
    # the module that is being imported.
    os.write(2, b"fog-flower: interrupted before anything was started\n")
    os._exit(INTERRUPTED_STATUS)


if __name__ == "__main__":
    main()
