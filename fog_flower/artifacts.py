"""The files that a run can save besides its tables."""

from fog_flower.errors import UserError

MODEL, CURVES, CHECKPOINT = "model", "curves", "checkpoint"
ARTIFACTS = (MODEL, CURVES, CHECKPOINT)
CHECKPOINT_FILE = "checkpoint.npz"  # of an unfinished run


def parse_artifacts(text: str) -> frozenset[str]:
    """Parse comma-separated names, e.g. ``model,curves``; an empty text gives none.

    Raises
    ------
    UserError
        If a name is unknown.
    """
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := names - frozenset(ARTIFACTS):
        raise UserError(
            f"artifacts={text!r}: there is no {', '.join(sorted(unknown))}; "
            f"write any of {', '.join(ARTIFACTS)}, separated by commas, or nothing"
        )
    return names
