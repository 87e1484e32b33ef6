"""The command line from outside: exit codes, one line on stderr, JSON alone on stdout."""

import json
import sys
from pathlib import Path

import pytest

from app import cli
from app.failure import exit_code
from enrollment import errors as enrollment_errors
from models import errors as model_errors
from store import errors as store_errors
from tests import databases, tiny
from tests.galleries import make_gallery


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    output = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), output.out, output.err


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROLLCALL_HOME", "ROLLCALL_KEY", "ROLLCALL_DETECTOR", "ROLLCALL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROLLCALL_KEY_FOLDER", str(tmp_path / "keys"))
    monkeypatch.setattr(sys, "stdin", open("/dev/null"))  # noqa: SIM115, PTH123


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["enroll"],
        ["identify", "--bogus"],
        ["calibrate", "--max-fpir", "many"],
        ["enroll", "x", "--on-collision", "perhaps"],
        ["person"],
        ["person", "bogus"],
        ["serve", "--port", "99999999"],
    ],
)
def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    if arguments != ["person"]:  # which shows its help
        assert out == ""
        assert len(err.strip().splitlines()) == 1
        assert err.startswith("rollcall: ")


def test_no_gallery(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments in (["people"], ["rebuild"], ["person", "show", "Anna"], ["erase", "Anna"]):
        code, out, err = run(capsys, *arguments, "--home", str(tmp_path / "none"))
        assert (code, out) == (3, "")
        assert "rollcall init" in err
    assert not (tmp_path / "none").exists()
    code, out, _ = run(capsys, "doctor", "--json", "--home", str(tmp_path / "none"))
    assert code == 3
    assert "rollcall init" in json.loads(out)["next_step"]


def test_ctrl_c_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("enrollment.service.open_service", broken_off)
    code, out, err = run(capsys, "people", "--home", str(tmp_path / "none"))
    assert (code, out) == (130, "")
    assert "run it again to go on" in err


def test_bad_input_is_refused_before_anything_is_opened(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny.write_photos(tmp_path / "photos", 1, range(1))
    (tmp_path / "empty").mkdir()
    home = str(tmp_path / "none")
    for arguments, says in (
        (["enroll", str(tmp_path / "empty"), "--name", "A"], "no photo"),
        (["enroll", str(tmp_path / "gone"), "--name", "A"], "does not exist"),
        (["enroll", str(tmp_path / "photos")], "--name"),
        (["enroll", str(tmp_path / "photos"), "--name", "../x"], "character"),
        (["enroll", str(tmp_path / "photos"), "--name", "x" * 10_000], "10000 characters"),
        (["enroll", str(tmp_path / "photos"), "--name", "<b>"], "character"),
        (["identify", str(tmp_path / "gone.jpg")], "not a file"),
        (["verify", str(tmp_path / "gone.jpg"), "--name", "A"], "not a file"),
        (["init", "--backbone", "resnet-9000"], "resnet-9000"),
        (["init", "--consent-policy", "maybe"], "consent policy"),
    ):
        code, out, err = run(capsys, *arguments, "--home", home)
        assert (code, out) == (2, ""), err
        assert says in err
        assert len(err.strip().splitlines()) == 1
        assert len(err) < 400
    assert not (tmp_path / "none").exists()


def test_a_terminal_is_not_steered_by_a_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny.write_photos(tmp_path / "photos", 1, range(1))
    name = "\x1b[2JAnna"
    _, _, err = run(capsys, "enroll", str(tmp_path / "photos"), "--name", name)
    assert "\x1b" not in err


def test_every_error_of_every_room_has_a_code() -> None:
    for room in (enrollment_errors, model_errors, store_errors):
        for kind in vars(room).values():
            if isinstance(kind, type) and issubclass(kind, Exception):
                assert exit_code(kind("x")) in (2, 3), kind
    assert exit_code(ZeroDivisionError()) is None


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.strip()[0].isdigit()


def test_audit_verify(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_gallery(tmp_path / "gallery", {"Ada": (1, 1)})
    monkeypatch.setenv("ROLLCALL_KEY", tiny.KEY)
    monkeypatch.setenv("ROLLCALL_KEY_FOLDER", str(home / "keys"))
    code, out, _ = run(capsys, "audit", "verify", "--home", str(home), "--json")
    document = json.loads(out)
    assert (code, document["intact"], document["findings"]) == (0, True, [])
    assert document["anchored_to"] == document["verified_to"] == document["rows"] > 0
    code, out, _ = run(capsys, "audit", "accept", "no need", "--home", str(home))
    assert code == 3
    databases.alter(home, "UPDATE gallery SET max_fpir = 0.5")
    code, out, err = run(capsys, "people", "--home", str(home))
    assert (code, out) == (3, "")
    assert "rollcall audit verify" in err
    code, out, err = run(capsys, "audit", "verify", "--home", str(home))
    assert code == 1
    assert "the table gallery was changed outside Rollcall" in out
    assert "next: stop the server" in out
    assert "NOT INTACT" in out
    code, out, err = run(capsys, "audit", "verify", "--home", str(tmp_path / "none"))
    assert (code, out) == (3, "")


def test_a_further_place_for_the_anchor(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, further = make_gallery(tmp_path / "gallery", {"Ada": (1, 1)}), tmp_path / "usb" / "one"
    monkeypatch.setenv("ROLLCALL_KEY", tiny.KEY)
    monkeypatch.setenv("ROLLCALL_AUDIT_ANCHOR", str(further))
    assert run(capsys, "people", "--home", str(home))[0] == 0
    _, out, _ = run(capsys, "audit", "verify", "--home", str(home), "--json")
    beside, other = json.loads(out)["anchors"]
    assert Path(beside["place"]).parent == tmp_path / "keys"
    assert other["place"] == str(further)
    assert other["seq"] == beside["seq"] == json.loads(out)["rows"]
    assert other["since"] > 1, "begun after the gallery was made"
