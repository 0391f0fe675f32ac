"""Code that runs around Flower on the researcher's machine; not part of Flower's app bundle."""
