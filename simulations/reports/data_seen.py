"""The data of a report's runs, in words; rendered digits are not SVHN."""

from collections.abc import Iterable
from typing import Any


def data_seen(facts: Iterable[dict[str, Any]]) -> tuple[str, bool]:
    """Return the kinds of data in these ``run.json``, and whether data differs within a kind."""
    names = sorted({fact["data"]["name"] for fact in facts if "data" in fact})
    kinds = sorted({name.split("-seed")[0] for name in names})
    text = ", ".join(kinds) or "unknown data"
    if any(kind.startswith("rendered-digits") for kind in kinds):
        text += " (drawn, not SVHN)"
    return text, len(names) > len(kinds)
