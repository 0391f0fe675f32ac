"""The command line of fog-flower, one file per group of commands."""

import sys

from fog_flower.errors import UserError
from fog_flower.extras import needed_for


def main() -> None:
    """Run the command line; its modules are only loaded now, not when this package is imported."""
    try:
        with needed_for("the command line"):
            from simulations.cli.commands import main as run  # noqa: PLC0415
    except UserError as error:
        print(f"fog-flower: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    run()
