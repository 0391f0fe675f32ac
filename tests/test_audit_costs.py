"""The table of what audits cost has the figures that are recorded, of old and new records."""

import json

from simulations.reports.audit_costs import costs_table


def recorded(folder, **audits):
    folder.mkdir()
    (folder / "audit.json").write_text(json.dumps({"config": {}, "audits": audits}))
    return folder


def test_time_and_memory_where_they_are_recorded(tmp_path):
    found, nothing = [{"value": 0.5}], [{"value": None}]
    old = {"findings": found, "seconds": 12.3}
    new = {"findings": found, "seconds": 4.6, "peak_gibibytes": 1.25}
    oldest = {"findings": found}
    folders = [
        recorded(tmp_path / "a", shipments=old, share=oldest, sampling=old),
        recorded(tmp_path / "b", shipments=new, sampling={"findings": nothing, "seconds": 0.0}),
    ]
    assert costs_table(folders).to_dict("split", index=False)["data"] == [
        ["shipments", 2, "5 to 12", "1.25"],
        ["share", 1, "not recorded", "not recorded"],
        ["sampling", 1, "12", "not recorded"],
    ]
