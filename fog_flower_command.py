"""The command ``fog-flower``: what must be settled before any other module is loaded.

A module of its own, because packages of ours may be hidden by a user's folder of the same name.
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
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in a job in the background
            signal.signal(number, _end)
    put_user_folders_last()
    if clash := hidden_package():
        sys.exit(f"fog-flower: {clash}")
    from simulations.cli import main as run  # noqa: PLC0415

    run()


def put_user_folders_last() -> None:
    """Move what is in ``PYTHONPATH``, and the current folder, behind libraries and our packages.

    A folder ``strategies`` or a file ``ray.py`` of the user's would hide ours, or the library. It
    can still be imported from there under any name that nobody else has.
    """
    told = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    users = {Path(entry).resolve() for entry in told if entry} | {Path.cwd()}
    last = [entry for entry in sys.path if Path(entry).resolve() in users - {_HERE}]
    sys.path[:] = [entry for entry in sys.path if entry not in last] + last


def hidden_package() -> str:
    """Return which of our packages something else hides, in one line; empty if none."""
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
    # Nothing has been started, so there is nothing to tidy up; an exception could be swallowed by
    # whatever is being imported.
    os.write(2, b"fog-flower: interrupted before anything was started\n")
    os._exit(INTERRUPTED_STATUS)


if __name__ == "__main__":
    main()
