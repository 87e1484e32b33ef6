"""rebackbone from the command line, on a gallery with tiny models."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app import cli
from enrollment import service as service_module
from tests import tiny
from tests.galleries import TinyPipelines, make_gallery

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = {f"Person {i:02}": (i, 3) for i in range(6)}
    return make_gallery(tmp_path_factory.mktemp("rebackbone") / "gallery", people)


@pytest.fixture
def rollcall(
    enrolled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """One gallery for all: each test leaves it at `tiny`, without a shadow."""
    monkeypatch.setenv("ROLLCALL_HOME", str(enrolled))
    monkeypatch.setenv("ROLLCALL_KEY", tiny.KEY)
    monkeypatch.setenv("ROLLCALL_KEY_FOLDER", str(enrolled / "keys"))
    monkeypatch.delenv("ROLLCALL_DETECTOR", raising=False)
    monkeypatch.setattr(service_module, "PipelinesOf", lambda *_: TinyPipelines())

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(words))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return run


def test_to_and_fro(rollcall: Run) -> None:
    code, out, _ = rollcall("rebackbone", "--status")
    assert (code, out.split(",")[0]) == (0, "no other backbone is being prepared")
    code, out, _ = rollcall("rebackbone", "tiny-2", "--prepare-only", "--json")
    document = json.loads(out)
    assert (code, document["moved"], document["against"]) == (0, False, [])
    assert (document["from"], document["to"], document["templates"]) == ("tiny", "tiny-2", 18)
    assert document["agreement"]["after"]["probes"] == 18
    assert Path(document["report"]).exists()
    code, out, err = rollcall("rebackbone", "tiny-2")
    assert code == 2, "nobody is there to ask"
    assert "repeat with --yes" in err
    code, out, _ = rollcall("rebackbone", "tiny-2", "--yes")
    assert code == 0
    assert "the gallery has moved to tiny-2" in out
    assert "rollcall rebackbone --undo" in out
    code, out, _ = rollcall("rebackbone", "--status", "--json")
    status = json.loads(out)
    assert (status["state"], status["backbone"], status["missing"]) == ("kept", "tiny", 0)
    assert status["until"] > status["since"]
    code, out, _ = rollcall("doctor", "--json")
    assert json.loads(out)["backbone"] == "tiny-2"
    code, out, _ = rollcall("rebackbone", "--undo", "--yes", "--json")
    document = json.loads(out)
    assert (code, document["moved"], document["to"]) == (0, True, "tiny")
    assert document["left_behind"]["backbone"] == "tiny"
    code, out, _ = rollcall("rebackbone", "--discard", "--yes", "--json")
    assert (code, json.loads(out)) == (0, {"dropped": True})
    code, out, _ = rollcall("rebackbone", "--discard", "--yes")
    assert (code, out) == (0, "there was nothing to drop\n")


def test_a_worse_one_is_refused(rollcall: Run) -> None:
    code, out, err = rollcall("rebackbone", "tiny-poor", "--yes", "--json")
    document = json.loads(out)
    assert (code, document["moved"]) == (1, False)
    assert "--accept-worse" in document["against"][0]
    assert "not moved: tiny-poor finds" in err
    code, out, _ = rollcall("rebackbone", "--status")
    assert out.startswith("tiny-poor is being prepared: 18 photos are embedded, 0 are left")
    assert rollcall("rebackbone", "--discard", "--yes")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give a backbone, or one of"),
        (["tiny-2", "--undo"], "give a backbone, or one of"),
        (["--status", "--discard"], "give a backbone, or one of"),
        (["tiny"], "tiny serves already"),
        (["vgg-nothing"], "the weights of vgg-nothing are not here"),
        (["--undo", "--yes"], "there is no backbone to go back to"),
        (["tiny-2", "--allow-missing", "-1"], "--allow-missing"),
    ],
)
def test_bad_input_changes_nothing(rollcall: Run, words: list[str], said: str) -> None:
    code, out, err = rollcall("rebackbone", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert rollcall("rebackbone", "--status")[1].startswith("no other backbone")
