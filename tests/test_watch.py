"""The live view: what is to be seen of a run and of a sweep, and the page in a real browser."""

import http.client
import json
import threading
import time
import urllib.parse

import pytest

from fog_flower.errors import UserError
from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.files import GrowingCsv, write_json
from fog_flower.records.reading import typed_rows
from simulations.engines.orphan_watch import this_process
from simulations.sweep.progress_file import Told, write_progress
from simulations.watch.look import find_watched, look_at, version_of
from simulations.watch.server import WatchServer
from tests.browser import browser_of
from tests.made_up_sweep import make_sweep
from tests.runs import run_here


@pytest.fixture
def run(make_config):
    """A run of two rounds with three fog nodes, and how to show it after its first."""
    folder = run_here(make_config(attack="nan", malicious_nodes="1", artifacts=""))
    rounds, updates = (typed_rows(folder / name) for name in ("rounds.csv", "updates.csv"))
    whole = json.loads((folder / "run.json").read_text())

    def after(count: int) -> None:
        status = "running" if count < 2 else "finished"
        (folder / ".going").unlink(missing_ok=True)
        GrowingCsv(folder / "rounds.csv", ROUND_COLUMNS).extend(rounds[: count + 1])
        done = [row for row in updates if row["round"] <= count]
        GrowingCsv(folder / "updates.csv", UPDATE_COLUMNS).extend(done)
        write_json(folder / "run.json", {**whole, "status": status})

    return folder, after


def ask(server, path, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


@pytest.fixture
def served(run):
    server = WatchServer(run[0])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_run_that_goes_on_and_one_that_has_ended(run):
    folder, after = run
    after(0)
    assert look_at(folder).state.startswith("running: round 0 of 2, test accuracy ")
    assert look_at(folder).picture == ""
    after(1)
    look = look_at(folder)
    assert look.state.startswith("running: round 1 of 2, test accuracy ")
    assert " s left" in look.state
    assert look.picture.startswith("data:image/svg+xml;base64,")
    (table,) = look.tables.values()
    assert list(table["fog node"]) == [0, 1, 2]
    assert list(table["update"]) == ["accepted", "accepted", "refused"]
    assert "not finite" in table["reason"].iloc[2]
    before = version_of(folder)
    assert version_of(folder) == before
    after(2)
    assert version_of(folder) != before
    look = look_at(folder)
    assert look.state.startswith("finished: round 2 of 2")
    assert "left" not in look.state
    (table,) = look.tables.values()
    assert table["accepted so far"].iloc[2] == "0 of 2"


def test_a_sweep_that_goes_on_and_one_that_was_stopped(tmp_path):
    folder = tmp_path / "reduced"
    make_sweep(folder, [0])
    going = folder / ".running" / "cnn-fog-7"
    going.parent.mkdir()
    (folder / "cnn-fog-7").rename(going)
    write_progress(folder, Told(10, 125.0, this_process()))
    look = look_at(folder)
    assert look.state == "table2: 7 of 10 runs ended, about 2 min 05 s left."
    (table,) = look.tables.values()
    statuses = table.set_index("run")["status"]
    assert statuses["cnn-fog-7/seed-0"] == "in progress"
    assert statuses["cnn-fog-5/seed-0"] == "finished"
    write_progress(folder, Told(10, 125.0, "1:0"))  # of a process that is gone
    assert "no process is running" in look_at(folder).state


def test_what_is_watched_is_found_by_name_or_was_begun_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="nothing is recorded in"):
        find_watched("")
    make_sweep(tmp_path / "results" / "runs" / "mine", [0])
    assert find_watched("mine").name == find_watched("").name == "mine"
    with pytest.raises(UserError, match="'other' is neither a run nor a sweep"):
        find_watched("other")


def test_only_who_knows_the_address_sees_the_page(run, served):
    assert served.server_address[0] == "127.0.0.1"
    inside = f"/{served.secret}/"
    status, headers, text = ask(served, inside)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "http://" not in text
    assert "https://" not in text
    for path, host in (
        ("/", None),
        ("/look", None),
        (inside, "evil.example"),
        (f"{inside}x", None),
    ):
        assert ask(served, path, host)[0] == 404
    status, headers, text = ask(served, f"{inside}look")
    assert status == 200
    assert "finished: round 2 of 2" in text
    seen = urllib.parse.quote(headers["ETag"])
    assert ask(served, f"{inside}look?seen={seen}")[0] == 204
    run[1](1)
    assert "running: round 1 of 2" in ask(served, f"{inside}look?seen={seen}")[2]


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_updates_itself_in_a_real_browser(run, served, tmp_path, width):
    from selenium.webdriver.common.by import By

    _, after = run
    after(1)
    with browser_of(width, tmp_path / "profile") as page:

        def wait_for(words):
            for _ in range(240):
                if words in page.find_element(By.TAG_NAME, "body").text:
                    return
                time.sleep(0.5)
            raise AssertionError(page.find_element(By.TAG_NAME, "body").text)

        page.get(served.address)
        wait_for("running: round 1 of 2")
        wait_for("not finite")
        after(2)
        wait_for("finished: round 2 of 2")
        assert page.get_log("browser") == []
        (picture,) = page.find_elements(By.TAG_NAME, "img")
        assert int(picture.get_property("naturalWidth")) > 100
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        served.shutdown()
        served.server_close()
        wait_for("fog-flower watch has ended")
