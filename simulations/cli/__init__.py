"""The command line of fog-flower, a file a group of commands."""


def main() -> None:
    """Run the command line; its parts are loaded here, not where this package is imported."""
    from simulations.cli.commands import main as run  # noqa: PLC0415

    run()
