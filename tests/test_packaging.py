"""What is installed where: the wheel, Flower's bundle, the extras, and how light a node is."""

import ast
import importlib.util
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from flwr.cli.app_cmd.publish import _collect_file_paths, _validate_files
from flwr.cli.build import build_fab_from_disk, build_fab_from_files
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from fog_flower.code_identity import PACKAGES, code_identity
from fog_flower.errors import UserError
from fog_flower.extras import needed_for, require
from fog_flower.name_clashes import OURS
from simulations.app_folder import app_folder
from simulations.engines.outcome import engine_named
from tests.base_only import BLOCKED_VARIABLE, Blocker, closure, modules_of, requirements

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMMAND = "fog_flower_command"  # the console script's module, before any package of ours
BASE_ONLY = str(ROOT / "tests" / "base_only.py")
# Loads nothing of this before a run begins: a SuperNode gives a ClientApp 30 seconds to check in.
HEAVY = {
    *("tensorflow", "keras", "ray", "pandas", "matplotlib", "seaborn", "datasets", "pyarrow"),
    *("flwr_datasets", "cv2", "PIL", "statsmodels", "wandb", "mlflow"),
}


def python(*arguments, cwd=ROOT, **variables):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **variables},
    )


def with_base_only(code, *arguments, blocked="", **variables):
    return python(BASE_ONLY, code, *arguments, **variables, **{BLOCKED_VARIABLE: blocked})


def modules(package):
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def imports(package):
    """Yield (file, module) for every import statement of a package, wherever it stands."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield path, str(node.module)


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    built = python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return a folder with what the wheel installs, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_has_the_four_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {*OURS, f"{COMMAND}.py"}
    assert {f"{package}/py.typed" for package in OURS} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    others = {name for name in names if not name.endswith((".py", "/py.typed"))}
    assert PYPROJECT["project"]["scripts"] == {"fog-flower": f"{COMMAND}:main"}
    assert {name for name in others if ".dist-info/" not in name} == {
        "fog_flower/data/features/patches.json",
        "fog_flower/data/features/rendered_cnn.json",
        "simulations/app/LICENSE",
        "simulations/app/pyproject.toml",
        "simulations/benchmark/quickstart_app/pyproject.toml",
        "simulations/reports/templates/look.html.j2",
        "simulations/reports/templates/page.html.j2",
        "simulations/reports/templates/style.css",
        "simulations/reports/templates/table.html.j2",
        "simulations/reports/templates/watch.html.j2",
    }
    files = {path.relative_to(ROOT).as_posix() for p in OURS for path in (ROOT / p).rglob("*.py")}
    assert files <= set(names)


STAGED = """
import sys
from pathlib import Path
import clients, fog_flower, simulations, strategies
from fog_flower.code_identity import code_identity
from flwr.cli.build import build_fab_from_disk
from simulations.app_folder import app_folder, default_run_config

packages = (clients, fog_flower, simulations, strategies)
assert all(str(Path.cwd()) in str(package.__file__) for package in packages)
assert default_run_config()["fog-nodes"] == 3
build_fab_from_disk(app_folder(Path(sys.argv[1])))
print(code_identity())
"""


def test_an_installed_wheel_makes_the_same_bundle(installed, tmp_path):
    done = python("-c", STAGED, str(tmp_path), cwd=installed)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == code_identity()


def test_an_installed_wheel_runs_a_users_own_code_from_an_empty_folder(
    installed, tmp_path, npz_path
):
    (tmp_path / "mine.py").write_text(
        "import keras\n\n\n"
        "def follow(row, updates):\n"
        "    with open('seen.txt', 'a') as file:\n"
        "        file.write(f\"{row['round']} {len(updates)}\\n\")\n\n\n"
        "def tiny():\n"
        "    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(),\n"
        "                             keras.layers.Dense(10, activation='softmax')])\n"
    )
    done = python(
        *("-m", "simulations.cli", "run", "--engine", "inline", f"dataset=npz:{npz_path}"),
        *("train-examples=360", "validation-examples=100", "test-examples=100", "end-nodes=2"),
        *("model=mine:tiny", "trackers=mine:follow", "num-server-rounds=1", "run-name=own"),
        "artifacts=",
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / "runs" / "own" / "run.json").is_file()
    assert (tmp_path / "seen.txt").read_text() == "0 0\n1 3\n"

    # What fails in it is told with its line, although ours is installed among libraries.
    with (tmp_path / "mine.py").open("a") as file:
        file.write("\n\nclass Broken:\n    def judge(self, trial):\n        return {}['x']\n")
    done = python(
        *("-m", "simulations.cli", "check", "gate", "mine:Broken"),
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert "KeyError: 'x' (in judge, " in done.stdout
    assert f"{tmp_path}/mine.py:" in done.stdout.replace("\n", "")


# Flower's bundle


def test_the_bundle_has_all_code_and_constants_of_its_packages_and_the_licence(tmp_path):
    from_copy = build_fab_from_disk(app_folder(tmp_path))
    (tmp_path / "app.fab").write_bytes(from_copy)
    names = set(zipfile.ZipFile(tmp_path / "app.fab").namelist())
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for suffix in ("py", "json")
        for path in (ROOT / package).rglob(f"*.{suffix}")
    }
    assert names == files | {"LICENSE", "pyproject.toml", ".info/CONTENT"}
    assert len(names) < 1000
    assert len(from_copy) < 10 * 2**20
    app = tmp_path / "app"
    _, metadata = build_fab_from_files(
        {path.relative_to(app).as_posix(): path for path in app.rglob("*") if path.is_file()}
    )
    assert metadata.fab_format_version == 1
    assert Version(metadata.flwr_version_min) <= Version(metadata.flwr_version_target)


def test_flower_hub_would_take_the_checkout(tmp_path):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout, so what a clean clone has is not known")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    _validate_files(_collect_file_paths(tmp_path))


def test_nothing_in_the_bundle_knows_the_desk():
    wrong = [
        (str(path), module)
        for package in PACKAGES
        for path, module in imports(package)
        if module.partition(".")[0] == "simulations"
    ]
    assert wrong == []


ALL_MODULES = """
import importlib, sys
for name in sys.argv[1].split(","):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name, error.name)
"""


def test_all_of_the_bundle_loads_without_the_desk_and_without_extras():
    names = [name for package in PACKAGES for name in modules(package)]
    done = with_base_only(ALL_MODULES, ",".join(names), blocked="simulations")
    assert done.returncode == 0, done.stderr
    failed = dict(line.split() for line in done.stdout.splitlines())
    drawing = {name for name in failed if name.startswith("fog_flower.data.rendered.")}
    assert set(failed) - drawing == {"fog_flower.records.curves"}
    assert set(failed.values()) <= {"cv2", "PIL", "matplotlib"}


# Extras


def test_every_import_is_of_a_declared_requirement():
    declared = {
        package: modules_of({canonicalize_name(Requirement(r).name) for r in requirements(*extras)})
        for package, extras in {
            **dict.fromkeys(PACKAGES, ("simulation", "tracking")),
            "simulations": ("simulation",),
        }.items()
    }
    known = set(sys.stdlib_module_names) | {*OURS, COMMAND}
    # Read where they are there: a measured competitor, and what flwr-datasets is made of.
    beside = {"quickstart", "datasets", "ray", "jax"}
    wrong = {
        (path.relative_to(ROOT).as_posix(), module)
        for package in OURS
        for path, module in imports(package)
        if module.partition(".")[0] not in declared[package] | known | beside
    }
    assert wrong == set()


def test_the_base_is_light():
    base, simulation = closure(requirements()), closure(requirements("simulation"))
    assert base < simulation
    assert not base & {"ray", "pandas", "matplotlib", "pyarrow", "opencv-python-headless", "wandb"}
    assert len(base) < 0.6 * len(simulation)


def test_constraints_pin_everything_once_and_name_no_place():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert all(Requirement(line).specifier and not Requirement(line).url for line in lines)
    assert names == sorted(names, key=str.lower)
    pinned = {canonicalize_name(name) for name in names}
    assert len(pinned) == len(lines)
    everything = closure(requirements("simulation", "tracking", "docs", "dev"))
    assert everything - pinned == {"setuptools", "wheel"}  # pip leaves these to the environment


RUNS = """
import json, sys
from pathlib import Path
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from simulations.app_folder import default_run_config
from simulations.engines.inline_engine import run_inline
from clients.client_app import app as client_app
from strategies.server_app import app as server_app

given, variants = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for number, variant in enumerate(variants):
    config = RunConfig.from_run_config(
        {**default_run_config(), **given, **variant, "run-name": str(number)}
    )
    try:
        run_inline(server_app, client_app, config, number + 1)
        print("finished")
    except UserError as error:
        print(error)
"""
FINISHES = {}
NEEDS_AN_EXTRA = (
    ({"artifacts": "curves"}, "matplotlib", "simulation"),
    ({"partition": "dirichlet:0.5"}, "datasets", "simulation"),
    ({"dataset": "svhn"}, "pooch", "simulation"),
    ({"dataset": "rendered-digits"}, "cv2", "simulation"),
    ({"trackers": "wandb"}, "wandb", "tracking"),
    ({"trackers": "mlflow"}, "mlflow", "tracking"),
    ({"trackers": "tensorboard"}, "tensorboard", "tracking"),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, npz_path):
    """Return the folder of runs made with the base alone, and what each of them said."""
    folder = tmp_path_factory.mktemp("runs")
    given = {
        "dataset": f"npz:{npz_path}",
        "train-examples": 360,
        "validation-examples": 100,
        "test-examples": 100,
        "end-nodes": 2,
        "num-server-rounds": 1,
        "model": "mlp-2-hidden",
        "artifacts": "model,checkpoint",
        "results-dir": str(folder),
    }
    done = with_base_only(
        RUNS,
        json.dumps(given),
        json.dumps([FINISHES, *(setting for setting, *_ in NEEDS_AN_EXTRA)]),
        FOG_FLOWER_CACHE=str(folder / "cache"),
        FOG_FLOWER_SCRATCH=str(folder / "scratch"),
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.splitlines()


def test_a_run_needs_nothing_but_the_base(runs):
    folder, (first, *others) = runs
    assert first == "finished"
    assert (folder / "0" / "model.keras").is_file()
    assert len(others) == len(NEEDS_AN_EXTRA)


@pytest.mark.parametrize("number", range(len(NEEDS_AN_EXTRA)))
def test_what_needs_an_extra_names_it_in_one_line(number, runs):
    folder, (_, *others) = runs
    setting, package, extra = NEEDS_AN_EXTRA[number]
    assert package in others[number]
    remedy = f"pip install 'fog-flower[{extra}]'"
    assert remedy in others[number]
    if "trackers" in setting:
        told = f"trackers={package!r}: needs {package}, which is not installed here: {remedy}"
        assert told in others[number]
    assert not (folder / str(number + 1) / "rounds.csv").exists()


CLI = "from fog_flower_command import main; main()"


@pytest.mark.parametrize(
    ("command", "blocked"),
    [
        (("--help",), "typer"),
        (("--help",), "rich"),
        (("run",), ""),
        (("report", "claim/mnist-mlp"), ""),
        (("data", "sheet", "sheet.png"), ""),
        (("bench", "throughput"), ""),
    ],
)
def test_a_command_that_needs_an_extra_names_it_in_one_line(command, blocked, tmp_path):
    done = with_base_only(CLI, *command, blocked=blocked, FOG_FLOWER_CACHE=str(tmp_path))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    told = re.fullmatch(
        r"fog-flower: .*needs (\w+), .*: pip install 'fog-flower\[simulation\]'", line
    )
    assert told, line
    assert told[1] in modules_of(closure(requirements("simulation")))


def test_ray_is_missed_before_the_run(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(Blocker, "blocked", frozenset({"ray"}))
    sys.meta_path = [Blocker if one is PathFinder else one for one in sys.meta_path]
    with pytest.raises(UserError, match=r"--engine ray: needs ray, .*\[simulation\]'$"):
        engine_named("ray")


def test_a_users_missing_package_is_not_taken_for_one_of_ours(tmp_path, monkeypatch):
    (tmp_path / "wants_torch.py").write_text("def model():\n    import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("wants_torch")
    with pytest.raises(ModuleNotFoundError), needed_for("this command"):
        module.model()


def test_what_is_there_is_not_missed():
    require("anything", "numpy", "json")
    with pytest.raises(UserError, match=r"^artifacts='x': needs not_there_at_all, which is not"):
        require("artifacts='x'", "numpy", "not_there_at_all")


# How light a node is


LOADED = "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules)"


@pytest.mark.parametrize("app", ["clients.client_app", "strategies.server_app"])
def test_both_apps_load_nothing_heavy(app):
    done = python("-c", LOADED, app)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert app.partition(".")[0] in loaded
    assert not loaded & HEAVY


TOLD = """
import sys
from fog_flower_command import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("command", [("--help",), ("keys",), ("run", "--help"), ("--version",)])
def test_what_only_tells_something_is_told_at_once(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = python("-c", TOLD, *command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert not loaded & (HEAVY | {"flwr", "scipy", "grpc"})
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
