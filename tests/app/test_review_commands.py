"""review, on a gallery with tiny models: what people type, and what they are told."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from enrollment.capture import Capture
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests import tiny
from tests.app.typed import Run, ask, runner

pytestmark = pytest.mark.slow


@pytest.fixture
def rollcall(
    service: Service,
    capture: Capture,
    person: Callable[..., Enrollee],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Two people are enrolled."""
    list(service.enroll([person(1), person(2)], "yes"))
    return runner(service, capture, monkeypatch, capsys)


@pytest.fixture
def visitors(tmp_path: Path) -> Path:
    """Three photos of one stranger, one of another, one of Person 1."""
    tiny.write_photos(tmp_path / "visitors" / "a", 9, range(3))
    tiny.write_photos(tmp_path / "visitors" / "b", 10, range(1))
    tiny.write_photos(tmp_path / "visitors" / "c", 1, range(9, 10))
    return tmp_path / "visitors"


def look(rollcall: Run, visitors: Path) -> list[dict]:
    """Identify them at a door that asks for review; the clusters."""
    code, _, err = rollcall("identify", visitors, "--review")
    assert code == 0
    assert "4 faces to review" in err
    return ask(rollcall, "review", "list")["clusters"]


def test_nothing_waits_unless_asked(rollcall: Run, visitors: Path) -> None:
    code, out, err = rollcall("identify", visitors, "--json")
    assert (code, len(out.splitlines())) == (0, 5)
    assert "review" not in err
    assert {json.loads(line)["vetoed"] for line in out.splitlines()} == {False}
    found = ask(rollcall, "review", "list")
    assert (found["sightings"], found["clusters"]) == (0, [])
    assert found["most"] > 0
    assert found["days"] > 0
    assert "nothing to review" in rollcall("review", "list")[1]


def test_list(rollcall: Run, visitors: Path) -> None:
    one, other = look(rollcall, visitors)
    assert (one["count"], other["count"]) == (3, 1)
    assert one["kinds"] == {"unknown": 3}
    assert one["nearest"]["name"] in ("Person 1", "Person 2")
    assert {Path(s["source"]).name for s in one["sightings"]} == {"0.png", "1.png", "2.png"}
    assert {"score", "threshold", "quality", "kind", "at"} <= set(one["sightings"][0])
    code, out, _ = rollcall("review", "list")
    assert code == 0
    assert one["cluster_id"][:10] in out
    assert "3 unknown" in out
    assert len(out.splitlines()) == 2 + 4
    _, _, err = rollcall("identify", visitors, "--review")
    assert "0 faces to review; 4 were seen already" in err


def test_show(rollcall: Run, visitors: Path, tmp_path: Path) -> None:
    one, other = look(rollcall, visitors)
    sheet = tmp_path / "faces.jpg"
    found = ask(rollcall, "review", "show", one["cluster_id"], "--to", sheet)
    assert (len(found["sightings"]), found["files"]) == (3, [str(sheet)])
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    with Image.open(sheet) as picture:
        assert picture.width == 3 * picture.height * 200 // 218
    code, _, err = rollcall("review", "show", one["cluster_id"], "--to", sheet)
    assert (code, "is there already" in err) == (2, True)
    found = ask(
        rollcall, "review", "show", one["cluster_id"], other["cluster_id"], "--to", tmp_path / "d"
    )
    assert len(found["files"]) == len(list((tmp_path / "d").iterdir())) == 4
    (tmp_path / "file").write_text("x")
    code, _, err = rollcall(
        "review", "show", other["cluster_id"], "--to", tmp_path / "file" / "f.jpg"
    )
    assert (code, "cannot be written" in err) == (2, True)
    code, out, _ = rollcall("review", "show", "ffffffff", "--to", tmp_path / "x.jpg")
    assert (code, "not in the queue" in out) == (1, True)
    assert not (tmp_path / "x.jpg").exists()


def test_assign(rollcall: Run, visitors: Path, service: Service) -> None:
    one, other = look(rollcall, visitors)
    refused = ask(rollcall, "review", "assign", one["cluster_id"], "--name", "New", code=1)
    assert {r["reasons"][0] for r in refused["results"]} == {"no_consent"}
    words = ("review", "assign", one["cluster_id"][:6], "--name", "New", "--external-id", "7")
    report = ask(rollcall, *words, "--consent", "yes, 2026-11-21")
    assert (report["created"], report["name"], report["done"]) == (True, "New", 3)
    again = ask(rollcall, *words, "--consent", "yes, 2026-11-21", code=1)
    assert [r["outcome"] for r in again["results"]] == ["handled_already"]
    code, out, _ = rollcall("review", "assign", other["cluster_id"], "--name", "Person 1")
    assert code == 1
    assert "0 of 1" in out
    assert "likeness" in out
    words = ("review", "assign", other["cluster_id"], "--name", "Person 1", "--even-if-unlike")
    assert ask(rollcall, *words)["done"] == 1
    (shown,) = ask(rollcall, "person", "show", "7")["subjects"]
    assert [s["origin"] for s in shown["samples"]] == ["review"] * 3
    assert all(s["assigned_by"] == "cli" and s["sighting"] for s in shown["samples"])
    _, out, _ = rollcall("person", "show", "Person 1")
    assert "1-0.png" in out
    assert "from the review queue, assigned by cli" in out
    assert service.person("New").templates == 3


def test_ignore_and_forget(rollcall: Run, visitors: Path) -> None:
    one, other = look(rollcall, visitors)
    code, out, _ = rollcall("review", "ignore", one["cluster_id"], "--not", "Person 1")
    assert (code, "3 of 3 remembered as not Person 1" in out) == (0, True)
    assert ask(rollcall, "review", "ignore", other["cluster_id"])["done"] == 1
    found = ask(rollcall, "review", "negatives")["negatives"]
    assert [n["not"] and n["not"]["name"] for n in found] == ["Person 1"] * 3 + [None]
    assert {n["lineage"]["ignored_by"] for n in found} == {"cli"}
    _, out, _ = rollcall("review", "negatives")
    assert out.count("not Person 1") == 3
    assert out.count("a stranger") == 1
    _, _, err = rollcall("identify", visitors, "--review")
    assert "0 faces to review" in err
    assert "4 were said no to before" in err
    code, out, _ = rollcall("review", "forget", *(n["negative_id"][:8] for n in found))
    assert (code, "4 of 4 forgotten" in out) == (0, True)
    assert "nobody said no" in rollcall("review", "negatives")[1]
    assert rollcall("review", "forget", found[0]["negative_id"])[0] == 1


def test_discard(rollcall: Run, visitors: Path) -> None:
    one, _ = look(rollcall, visitors)
    assert ask(rollcall, "review", "discard", one["cluster_id"])["done"] == 3
    assert ask(rollcall, "review", "list")["sightings"] == 1
    for words in ((), ("--all", "ffff")):
        code, _, err = rollcall("review", "discard", *words)
        assert (code, "say which faces" in err) == (2, True)
    assert ask(rollcall, "review", "discard", "--all")["done"] == 1
    assert ask(rollcall, "review", "list")["sightings"] == 0


def test_bad_input_is_one_line(rollcall: Run, visitors: Path) -> None:
    one, _ = look(rollcall, visitors)
    cluster = one["cluster_id"]
    for words, says in (
        (("discard", "../x"), "no id"),
        (("assign", cluster, "--name", "<b>", "--consent", "yes"), "character"),
        (("ignore", cluster, "--not", "Nobody"), "nobody called"),
        (("assign", cluster), "--name"),
        (("forget", "x"), "no id"),
    ):
        code, out, err = rollcall("review", *words)
        assert (code, out) == (2, ""), words
        assert says in err
    assert ask(rollcall, "review", "list")["sightings"] == 4


def test_a_name_that_is_wrong(rollcall: Run, visitors: Path) -> None:
    """Person 1 is named; somebody who knows better says that it is not them."""
    photo = visitors / "c" / "9.png"
    code, out, _ = rollcall("identify", photo, "--review", "--json")
    assert json.loads(out)["name"] == "Person 1"
    assert ask(rollcall, "review", "list")["sightings"] == 0
    added = ask(rollcall, "review", "add", photo)
    assert len(added["sightings"]) == 1
    (cluster,) = ask(rollcall, "review", "list")["clusters"]
    assert (cluster["kinds"], cluster["nearest"]["name"]) == ({"named": 1}, "Person 1")
    code, out, _ = rollcall("review", "add", photo)
    assert (code, "1 were seen already" in out) == (1, True)
    ask(rollcall, "review", "ignore", *added["sightings"], "--not", "Person 1")
    code, out, _ = rollcall("identify", photo, "--json")
    found = json.loads(out)
    assert (found["decision"], found["name"], found["vetoed"]) == ("unknown", None, True)
    code, out, _ = rollcall("verify", photo, "--name", "Person 1", "--json")
    assert (code, json.loads(out)["vetoed"]) == (1, True)
