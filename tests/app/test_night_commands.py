"""nightly and head, on a gallery with tiny models."""

import json
from collections.abc import Callable

import pytest

from app import cli
from enrollment import pipelines
from enrollment.capture import Capture
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests.conftest import KEY

pytestmark = pytest.mark.slow


@pytest.fixture
def rollcall(
    service: Service,
    capture: Capture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("ROLLCALL_HOME", str(service._settings.home))
    monkeypatch.setenv("ROLLCALL_KEY", KEY)
    monkeypatch.setattr(pipelines, "open_capture", lambda *_: capture)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(words))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def enroll(service: Service, person: Callable[..., Enrollee]) -> Callable[[range], None]:
    def add(numbers: range) -> None:
        list(service.enroll([person(i) for i in numbers], "yes", allow_collision))

    return add


def test_a_night_from_the_command_line(rollcall, enroll) -> None:
    code, out, err = rollcall("nightly", "--json")
    assert (code, json.loads(out)["outcome"]) == (0, "skipped")
    enroll(range(4))
    code, out, err = rollcall("nightly", "--mode", "imprint", "--json")
    night = json.loads(out)
    assert code == 0
    assert set(night) >= {"run_id", "day", "outcome", "reason", "mode", "metrics", "report"}
    assert (night["outcome"], night["mode"]) == ("promoted", "imprint")
    assert night["metrics"]["subjects"] == 4
    assert "search with means" in err
    assert "</html>" in open(night["report"], encoding="utf-8").read()  # noqa: PTH123, SIM115
    code, out, _ = rollcall("nightly", "--json")
    again = json.loads(out)
    assert (again["outcome"], again["run_id"]) == ("skipped", night["run_id"])
    code, out, _ = rollcall("nightly")
    assert out.startswith("skipped: the night of")
    assert night["report"] in out


def test_versions(rollcall, enroll) -> None:
    code, out, _ = rollcall("head", "list")
    assert (code, "no night has been run" in out) == (0, True)
    enroll(range(3))
    rollcall("nightly", "--mode", "imprint", "--json")
    code, out, _ = rollcall("head", "list", "--json")
    (head,) = json.loads(out)["heads"]
    assert (head["state"], head["mode"], head["subjects"]) == ("champion", "imprint", 3)
    code, out, _ = rollcall("head", "show", head["head_id"][:12], "--json")
    assert json.loads(out)["figures"]["accuracy"] == 1.0
    enroll(range(3, 5))
    rollcall("nightly", "--mode", "imprint", "--force", "--json")
    code, out, _ = rollcall("head", "rollback", "--json")
    assert json.loads(out)["head_id"] == head["head_id"]
    code, out, _ = rollcall("head", "list")
    assert f"champion  {head['head_id']}" in out
    code, out, err = rollcall("head", "rollback")
    assert (code, out) == (2, "")
    assert "no earlier head" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nightly", "--mode", "magic"], "joint, local, rehearsal"),
        (["nightly", "--budget", "0"], "--budget"),
        (["head", "show", "nothing"], "rollcall head list"),
        (["head", "promote", "nothing"], "rollcall head list"),
    ],
)
def test_wrong_words(rollcall, words: list[str], said: str) -> None:
    code, out, err = rollcall(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
