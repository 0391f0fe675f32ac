"""What a run can leave behind besides its tables."""

from fog_flower.errors import UserError

MODEL, CURVES, TENSORBOARD, CHECKPOINT = "model", "curves", "tensorboard", "checkpoint"
ARTIFACTS = (MODEL, CURVES, TENSORBOARD, CHECKPOINT)
CHECKPOINT_FILE = "checkpoint.npz"  # of an unfinished run


def parse_artifacts(text: str) -> frozenset[str]:
    """Read ``model,curves``; empty is none.

    Raises
    ------
    UserError
        For a name that there is not.
    """
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := names - frozenset(ARTIFACTS):
        raise UserError(
            f"artifacts={text!r}: no {', '.join(sorted(unknown))}; "
            f"write any of {', '.join(ARTIFACTS)}, separated by commas, or nothing"
        )
    return names
