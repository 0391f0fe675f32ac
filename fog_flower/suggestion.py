"""What a mistyped name was perhaps meant to be."""

import difflib
from collections.abc import Iterable


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean NAME?"`` of the name that is most like ``text``, or nothing.

    Case and what stands behind a colon or in parentheses do not matter.
    """
    called = text.partition("(")[0].partition(":")[0].strip().lower()
    known = {name.lower(): name for name in names}
    near = difflib.get_close_matches(called, known, n=1)
    return f"; did you mean {known[near[0]]}?" if near else ""
