"""The Flower app that ``flwr run`` gets: a copy of our packages, made for the run."""

import shutil
import tomllib
from importlib import resources
from pathlib import Path

from fog_flower.architecture import Scalar

BUNDLED = ("fog_flower", "clients", "strategies")


def default_run_config() -> dict[str, Scalar]:
    """Return ``[tool.flwr.app.config]``, the one place of all defaults."""
    with _pyproject().open("rb") as file:
        defaults: dict[str, Scalar] = tomllib.load(file)["tool"]["flwr"]["app"]["config"]
    return defaults


def app_folder(workspace: Path) -> Path:
    """Copy the app into ``workspace`` and return its folder, to give to ``flwr run``.

    A copy, because Flower looks at every file below the folder it is given, and a checkout has a
    virtual environment with 100,000 of them (5 s); and because an installed wheel has no checkout.
    """
    staged = workspace / "app"
    for package in BUNDLED:
        source = Path(str(resources.files(package)))
        shutil.copytree(source, staged / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_pyproject(), staged / "pyproject.toml")
    for name in ("LICENSE", "README.md"):  # pyproject.toml names them
        source = _pyproject().parent / name
        if source.is_file():
            shutil.copy(source, staged / name)
    return staged


def _pyproject() -> Path:
    here = Path(__file__).resolve().parent
    in_checkout, in_wheel = here.parent / "pyproject.toml", here / "app" / "pyproject.toml"
    return in_checkout if in_checkout.is_file() else in_wheel
