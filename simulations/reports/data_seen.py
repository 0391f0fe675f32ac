"""Which data a report's runs saw, in words: rendered digits are not SVHN."""

from collections.abc import Iterable
from typing import Any


def data_seen(facts: Iterable[dict[str, Any]]) -> tuple[str, bool]:
    """Return the kinds of data of these ``run.json``, and whether runs of a kind saw different."""
    names = sorted({fact["data"]["name"] for fact in facts if "data" in fact})
    kinds = sorted({name.split("-seed")[0] for name in names})
    text = ", ".join(kinds) or "unknown data"
    if any(kind.startswith("rendered-digits") for kind in kinds):
        text += " (drawn, not SVHN)"
    return text, len(names) > len(kinds)
