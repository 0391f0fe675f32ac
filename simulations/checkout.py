"""The git commit of the code, if it runs from a checkout."""

import shutil
import subprocess
from pathlib import Path


def checkout_commit() -> str:
    """Return the commit, with ``-modified`` if tracked files differ; empty for a wheel.

    Changes in ``results`` are ignored, because every run writes there.
    """
    root = Path(__file__).resolve().parent.parent
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    commit, changes = (
        subprocess.run([git, *arguments], cwd=root, capture_output=True, text=True, check=False)
        for arguments in (
            ("rev-parse", "--verify", "--quiet", "HEAD"),
            ("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results"),
        )
    )
    return commit.stdout.strip() + ("-modified" if changes.stdout.strip() else "")
