"""docs/operations.md has every event of the log with its fields, and no other."""

import inspect
import io
import json
import logging
import re
from pathlib import Path

from app.log import Log, open_log
from enrollment.tally import NightEnd

DOCUMENT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
OF_EVERY_EVENT = {"event", "level", "at"}


def test_every_event_is_documented() -> None:
    _, _, log = DOCUMENT.partition("## The log")
    rows = re.findall(r"^\| `([a-z]+)` \| ([^|]+) \|", log.partition("## ")[0], re.MULTILINE)
    assert {name: set(re.findall(r"`([a-z_]+)`", fields)) for name, fields in rows} == _written()


def _written() -> dict[str, set[str]]:
    to = io.StringIO()
    log = open_log("json", to)
    error = ValueError("nobody reads this")
    record = logging.LogRecord("one", 40, "a.py", 1, "", (), (ValueError, error, None))
    said = {
        "started": lambda: log.started(pages=True, nightly_at="off"),
        "stopping": lambda: log.stopping("SIGTERM"),
        "stopped": lambda: log.stopped(log_cut=True),
        "request": lambda: log.request("1", "2", "GET", "/", 200, 1.0),
        "night": lambda: log.night(NightEnd("promoted", "imprint", 1.0)),
        "webhook": lambda: log.webhook("1", "failing"),
        "error": lambda: log.error(error, "1"),
        "library": lambda: log.library(record),
    }
    methods = {name for name, _ in inspect.getmembers(Log, inspect.isfunction)}
    assert said.keys() == {name for name in methods if not name.startswith("_")}
    for say in said.values():
        say()
    assert "nobody reads this" not in to.getvalue()
    lines = [json.loads(line) for line in to.getvalue().splitlines()]
    return {line["event"]: set(line) - OF_EVERY_EVENT for line in lines}
