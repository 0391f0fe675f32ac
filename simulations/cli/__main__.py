"""``python -m simulations.cli``."""

from fog_flower_command import main

main()
