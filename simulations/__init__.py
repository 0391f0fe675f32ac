"""What runs on the researcher's machine, around Flower; not part of the bundle."""
