"""``python -m simulations.cli``."""

from simulations.cli import main

main()
