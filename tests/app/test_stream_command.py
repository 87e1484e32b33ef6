"""stream-benchmark from outside, with tiny models."""

import json
from pathlib import Path

import pytest
import typer

from app import stream_command
from enrollment import opening
from enrollment.capture import Capture
from enrollment.errors import BadInput
from tests import tiny

UNTRAINED = [word for name in ("imprint", "nearest", "served") for word in ("--method", name)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for person in range(9):
        tiny.write_photos(tmp_path / "photos" / f"person {person}", person, range(4 + person % 2))
    tiny.write_photos(tmp_path / "photos" / "too few", 20, range(3))
    return tmp_path / "photos"


@pytest.fixture
def others(tmp_path: Path) -> Path:
    for person in range(100, 112):
        tiny.write_photos(tmp_path / "others" / str(person), person, range(1))
    return tmp_path / "others"


@pytest.fixture(autouse=True)
def tiny_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capture: Capture) -> None:
    monkeypatch.setattr(opening, "build_capture", lambda *arguments: capture)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: str | Path) -> int:
    app = typer.Typer()
    app.callback()(lambda: None)
    stream_command.register(app)
    code: int = app(["stream-benchmark", *map(str, arguments)], standalone_mode=False)
    return code


def test_json(
    capsys: pytest.CaptureFixture[str], photos: Path, others: Path, tmp_path: Path
) -> None:
    command = ["--photos", photos, "--nonmated", others, "--nights", "3", *UNTRAINED, "--json"]
    assert run(*command) == 0
    output = capsys.readouterr().out
    assert len(output.splitlines()) == 1
    document = json.loads(output)
    assert document["n_subjects"] == 9
    assert document["people_left_out"] == 1
    assert document["n_nonmated"] == 12
    assert (document["backbone"], document["nights"], document["seed"]) == ("tiny", 3, 0)
    assert [m["method"] for m in document["methods"]] == ["imprint", "nearest", "served"]
    assert {
        "method", "accuracy", "forgetting", "bwt", "bwt_minus_joint", "churn", "negative_flips",
        "tpir_at_fpir_1pct", "tpir_at_fpir_0_1pct", "seconds_per_night", "cost_ratio_to_joint",
    } <= document["methods"][0].keys()  # fmt: skip
    assert document["methods"][2]["served"]["threshold"] > 0
    assert document["photos_embedded_now"] == 9 * 4 + 4 + 3 + 12
    kept = list((tmp_path / "cache" / "rollcall" / "embeddings").iterdir())
    assert len(kept) == 1
    run(*command)
    assert json.loads(capsys.readouterr().out)["photos_embedded_now"] == 0
    kept[0].write_bytes(b"damaged")
    run(*command)
    assert "damaged" in capsys.readouterr().err


def test_a_table(
    capsys: pytest.CaptureFixture[str], photos: Path, others: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "elsewhere"
    assert run(
        "--photos", photos, "--nonmated", others, "--nights", "2", "--cache", cache, *UNTRAINED
    ) == 0  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert "9 people" in lines[0]
    assert len({len(line) for line in lines[1:5]}) == 1, "columns are below each other"
    assert [line.split()[0] for line in lines[2:5]] == ["imprint", "nearest", "served"]
    assert list(cache.iterdir())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nights", "8"], "at most 7 nights"),
        (["--nights", "0"], "at least 1 night"),
        (["--nights", "2", "--method", "magic"], "no method 'magic'"),
        (["--photos", "absent"], "does not exist"),
        (["--nonmated", "absent"], "not a file"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_embedded(
    photos: Path, others: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    with pytest.raises(BadInput, match=says) as told:
        run("--photos", photos, "--nonmated", others, *arguments)
    assert len(str(told.value).splitlines()) == 1
    assert not (tmp_path / "cache").exists()


def test_too_few_people(others: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for person in range(7):
        tiny.write_photos(few / f"person {person}", person, range(4))
    with pytest.raises(BadInput, match="7 people have 4 photos"):
        run("--photos", few, "--nonmated", others, "--nights", "2")
