"""Flower's command line, loaded in advance; it reads its arguments as JSON from stdin."""

import json
import sys

from fog_flower.loading import without_collecting


def main() -> None:
    """Run one command of ``flwr``."""
    with without_collecting():
        from flwr.cli.app import app  # noqa: PLC0415  (a second)

    told = sys.stdin.readline()
    if told:  # empty: the launcher does not need it
        sys.argv = ["flwr", *json.loads(told)]
        app()


if __name__ == "__main__":
    main()
