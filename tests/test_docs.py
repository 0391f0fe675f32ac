"""What the README and the pages say can be typed, followed and run."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import typer

from fog_flower.config import RunConfig
from fog_flower.renamed import GATE_ARGUMENTS, RENAMED
from fog_flower.user_code import own_modules
from simulations.cli.commands import app
from simulations.experiments import EXPERIMENTS
from simulations.overrides import configure, parse_settings
from simulations.preflight import check_plug_ins, import_from_here
from simulations.reports.experiment_report import write_report
from tests.runs import run_here, summary, updates

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
}
# Records of what an older version did, not of what can be typed: they are history.
HISTORY = ("docs/changelog.md",)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


# Commands


def shell_lines(text: str) -> list[str]:
    """Return every command of the bash blocks, continued lines joined, variables filled in."""
    lines: list[str] = []
    variables: dict[str, str] = {}
    for block in code_blocks(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.fullmatch(r'([A-Z]+)=("?)(.*)\2', line):
                variables[found[1]] = found[3]
                continue
            filled = re.sub(r"\$([A-Z]+)", lambda name: variables[name[1]], line)
            if filled.strip() and not filled.startswith("#"):
                lines.append(filled)
    return lines


def inline_commands(text: str) -> list[str]:
    """Return what stands in backticks and is a command with arguments."""
    found = re.findall(r"`([^`]*)`", prose(text).replace("\n", " "))
    return [span for span in found if span.startswith("fog-flower ")]


def commands() -> list[tuple[str, str]]:
    found = []
    for page, text in PAGES.items():
        lines = [line for line in shell_lines(text) if "fog-flower " in line]
        found += [(page, line[line.index("fog-flower ") :]) for line in lines]
        found += [(page, line) for line in inline_commands(text)]
    return found


COMMANDS = commands()


def words_of(line: str) -> list[str]:
    """Return the arguments after ``fog-flower``, without placeholders of usage lines."""
    words = shlex.split(line, comments=True)[1:]
    placeholders = ("...", "COMMAND", "[OPTIONS]", "[KEY=VALUE]...", "KEY=VALUE", "KEY=VALUE...")
    return [word for word in words if word not in placeholders]


def parsed(words: list[str]) -> tuple[click.Command, dict[str, object]]:
    command: click.Command = typer.main.get_command(app)
    name = "fog-flower"
    while isinstance(command, click.Group):
        assert words, f"{name}: which command?"
        assert words[0] in command.commands, f"{name} {words[0]}: there is no such command"
        name, command = f"{name} {words[0]}", command.commands[words[0]]
        words = words[1:]
    return command, command.make_context(name, list(words), resilient_parsing=False).params


def test_there_are_commands():
    assert len(COMMANDS) > 60
    assert {page for page, _ in COMMANDS} >= {"README.md", "docs/results/attacks.md"}


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_line_can_be_typed(page, line):
    words = words_of(line)
    if not words or words in (["--help"], ["--version"]):
        return
    if len(words) <= 2 and not any(word.startswith("-") or "=" in word for word in words):
        return_name(words)
        return
    _, params = parsed(words)
    settings = params.get("settings") or []
    assert isinstance(settings, tuple | list)
    check_keys([str(setting) for setting in settings], str(params.get("preset") or "demo"))


def return_name(words: list[str]) -> None:
    """Check a command that is only named, as in "`fog-flower continue` says"."""
    command: click.Command = typer.main.get_command(app)
    for word in words:
        if not isinstance(command, click.Group):
            return
        assert word in command.commands, word
        command = command.commands[word]


def check_keys(settings: list[str], preset: str) -> None:
    typed = [setting.replace("...", "") for setting in settings]
    configure(preset, [setting for setting in typed if "/path/to" not in setting])


@pytest.mark.parametrize("page", PAGES)
def test_every_run_config_for_flower_has_keys_of_ours(page):
    for line in shell_lines(PAGES[page]):
        if "--run-config" in line:
            words = shlex.split(line, comments=True)
            check_keys(shlex.split(words[words.index("--run-config") + 1]), "demo")


def test_a_wrong_command_line_is_seen():
    with pytest.raises(Exception, match="unknown key rouns"):
        check_keys(["rouns=3"], "demo")
    with pytest.raises(Exception, match="now called num-server-rounds"):
        check_keys(["rounds=3"], "demo")
    with pytest.raises(AssertionError, match="no such command"):
        parsed(["swep", "table2"])
    with pytest.raises(click.UsageError, match="No such option"):
        parsed(["sweep", "table2", "--no-such"])


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY])
def test_no_page_uses_a_name_of_before(page):
    """A key that was renamed, as a key: alone in backticks, or with a value."""
    for old in (*RENAMED, *GATE_ARGUMENTS):
        assert f"`{old}`" not in PAGES[page], old
        assert not re.search(rf"(?<![\w-]){old}=[\w.\"']", PAGES[page]), old


# Links, names and paths


def anchors(text: str) -> set[str]:
    """Return the ids of a page's headings, as GitHub and MkDocs make them."""
    found = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in found]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_every_internal_link_leads_somewhere(page):
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)\s]+)\)", PAGES[page])
    for link in links:
        path, _, anchor = link.partition("#")
        if re.match(r"https?:", link):
            continue
        target = (folder / path).resolve() if path else ROOT / page
        assert target.exists(), link
        assert ROOT in target.parents, link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY])
def test_every_path_of_ours_that_is_named_is_there(page):
    pattern = r"`((?:fog_flower|clients|strategies|simulations|tests|docs)/[\w./-]*)`"
    for path in re.findall(pattern, PAGES[page]):
        assert (ROOT / path).exists(), path


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text()
    listed = set(re.findall(r": ([\w/-]+\.md)$", menu, re.MULTILINE))
    assert listed == {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}


def test_the_readme_is_a_door():
    assert len(PAGES["README.md"].splitlines()) <= 160


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_where_packages_come_from(page):
    """Where packages come from is a reader's own affair."""
    assert not re.search(r"pypi|pythonhosted|anaconda|conda-forge", PAGES[page], re.IGNORECASE)


def test_every_extra_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in project["optional-dependencies"]:
        assert f"| `{extra}` |" in PAGES["docs/getting-started.md"]


# Generated parts


def generator():
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", generator().GENERATED)
def test_generated_blocks_are_what_code_and_records_say(page):
    """Whole blocks: no figure in them can be changed by hand."""
    made = generator()
    text = (DOCS / page).read_text()
    assert text == made.with_blocks(text, [make() for make in made.GENERATED[page]])


@pytest.mark.parametrize("page", ["reference/keys.md", "reference/commands.md"])
def test_the_reference_has_everything(page):
    text = (DOCS / page).read_text()
    everything = RunConfig.keys() if "keys" in page else typer.main.get_command(app).commands
    assert all(name in text for name in everything)


def test_a_page_with_other_markers_than_blocks_is_refused():
    made = generator()
    page = f"a {made.BEGIN} old {made.END} b"
    assert made.with_blocks(page, ["new"]) == f"a {made.BEGIN}\n\nnew\n\n{made.END} b"
    with pytest.raises(ValueError, match="there are 2 blocks, but 1 pairs of markers"):
        made.with_blocks(page, ["one", "two"])


# What a decimal may be that no record says: of a version, a section of the paper, a constant.
TYPED = {
    "README.md": {"2.0"},  # the licence
    "docs/getting-started.md": {"3.11", "3.13"},
    "docs/deviations.md": {"0.01", "4.3"},
    "docs/results/paper.md": {"0.1", "4.3"},
    # Written down before the evaluation: settings, bars of success, and why others were stopped.
    "docs/results/protocol.md": {
        "0.001",
        "0.03",
        "0.05",
        "0.1",
        "0.25",
        "0.3",
        "0.5",
        "1.35",
        "2.3",
        "3.00",
        "3.2",
        "4.3",
        "70.0",
        "80.9",
        "85.0",
        "86.6",
        "87.1",
        "87.6",
        "90.5",
        "90.6",
    },
    "docs/privacy.md": {"0.12"},
    "docs/how-to/audit.md": {"0.95"},
}


def typed_decimals(text: str) -> set[str]:
    """Return the decimals of a page outside of generated blocks, code, settings and links."""
    made = generator()
    rest = re.sub(f"{made.BEGIN}.*?{made.END}", "", text, flags=re.DOTALL)
    rest = re.sub(r"\]\([^)]*\)", "]", prose(rest))
    rest = re.sub(r"`[^`]*(?:=|--)[^`]*`", "", rest)  # a setting or an option is what it is
    return set(re.findall(r"(?<![\w.])\d+\.\d+(?![\d.]*\.\d)", rest))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY])
def test_no_decimal_is_typed_by_hand(page):
    assert typed_decimals(PAGES[page]) == TYPED.get(page, set())


def test_a_decimal_that_is_typed_is_seen():
    made = generator()
    inside = f"{made.BEGIN}\n\n| 12.34 |\n\n{made.END}"
    assert typed_decimals(f"gains 1.5 points {inside} `lr=0.1` [x](a-2.5.md), of 0.75.") == {
        *("1.5", "0.75")
    }


@pytest.mark.parametrize("name", ["full", "full-svhn"])
def test_the_committed_report_is_what_the_committed_records_give(name, tmp_path):
    """Byte for byte, pictures included."""
    results = ROOT / "results"
    table2 = EXPERIMENTS["table2"]
    files = write_report(table2, table2.scale("full"), results / "table2" / name, tmp_path, 0.015)
    for _, path in files:
        for made in {path, path.with_suffix(".svg")} & set(path.parent.iterdir()):
            kept = results / made.relative_to(tmp_path)
            assert made.read_bytes() == kept.read_bytes(), kept


# Examples


EXAMPLES = {
    block.partition("\n")[0].removeprefix("# "): block
    for block in code_blocks(PAGES["docs/how-to/plug-in.md"], "python")
}
SMALL = [
    *("train-examples=240", "validation-examples=60", "test-examples=60", "num-server-rounds=2"),
    *("end-nodes=2", "fog-nodes=3", "seed=1", "artifacts=model"),
]
MOONS = ["dataset=my_data:half_moons", "model=my_model:network"]
RUNS = {
    "strategy": ["strategy=mine:LargestFirst", "partition=my_partition:doubling", "fog-nodes=4"],
    "gate": [
        *("gate=my_gate:Shortest", "gate-args=factor=1.01", "trackers=my_tracker:Diary"),
        *("protection=my_protection:coarse,noise", "client-mods=my_mod:bounded"),
        "fog-protection=my_upload:Coarse(step=0.01)",
    ],
    "attack": [
        "attack=my_attack:now_and_then",
        "malicious-nodes=1",
        "attack-strength=3.0",
        "gate=off",
        "features=my_features:waves(count=8)",
    ],
}


@pytest.fixture
def examples(tmp_path, monkeypatch) -> Path:
    """Return an empty folder with the examples in it, where commands are typed."""
    for name, block in EXAMPLES.items():
        assert re.fullmatch(r"\w+\.py", name), name
        (tmp_path / name).write_text(block)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in EXAMPLES:
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    import_from_here()
    return tmp_path


def test_an_example_is_short():
    assert len(EXAMPLES) == 11
    for name, block in EXAMPLES.items():
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        body = [line for line in lines if not re.match(r"(from|import) ", line)]
        assert len(body) <= 12, name


@pytest.mark.parametrize(
    "settings",
    [
        words_of(line)[1:]
        for line in shell_lines(PAGES["docs/how-to/plug-in.md"])
        if line.startswith("fog-flower run")
    ],
    ids=" ".join,
)
def test_what_the_page_says_to_type_names_what_is_there(examples, settings):
    typed = [word for word in settings if not word.startswith("--")]
    config = configure("demo", typed)
    check_plug_ins(config)
    assert set(own_modules(config)) <= {name.removesuffix(".py") for name in EXAMPLES}


def test_every_example_is_run():
    named = " ".join(word for settings in [MOONS, *RUNS.values()] for word in settings)
    assert set(re.findall(r"(\w+):\w+", named)) == {n.removesuffix(".py") for n in EXAMPLES}


@pytest.mark.parametrize("kind", RUNS)
def test_the_examples_run(kind, examples):
    config = configure("demo", [*SMALL, *MOONS, *RUNS[kind], f"run-name={kind}"])
    folder = run_here(config)
    assert summary(folder)["status"] == "finished"
    if kind == "strategy":
        sizes = [int(row["num_examples"]) for row in updates(folder)[:4]]
        assert sizes == [16, 32, 64, 128]
    if kind == "gate":
        assert all(row["reason"].startswith("length ") for row in updates(folder))
        assert {row["accepted"] for row in updates(folder)} == {"True", "False"}
        assert len((folder / "diary.txt").read_text().splitlines()) == 3  # round 0, too
    if kind == "attack":
        honest, *_, flipped = updates(folder)[:3]
        assert float(flipped["update_norm"]) > 2 * float(honest["update_norm"])


def test_settings_of_the_pages_are_read_as_typed():
    """The parser of the tests is the command's own."""
    assert parse_settings(["fog-nodes=5", "model=cnn"]) == {"fog-nodes": 5, "model": "cnn"}


# The site


@pytest.mark.e2e
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="the extra docs is not installed: make docs")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING  -" not in built.stderr
    site = tmp_path / "site"
    pages = [page for page in PAGES if page.startswith("docs/")]
    for page in pages:
        assert (site / page.removeprefix("docs/")).with_suffix(".html").is_file(), page
    fetched = [
        (file.name, url)
        for file in site.rglob("*.html")
        for url in re.findall(r'(?:src|href)="(https?:[^"]+\.(?:js|css|woff2?))"', file.read_text())
    ]
    assert not fetched
    assert (site / "records/figures/table2-full-overview.png").is_file()
