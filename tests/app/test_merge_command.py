"""merge-gallery as it is typed: exit codes, what is asked, and JSON alone on stdout."""

import io
import json
import sys
from pathlib import Path

import pytest

from app import cli
from enrollment import pipelines
from tests import tiny
from tests.faults.place import capture
from tests.two_sites import Site, make_site

R3 = range(3)


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Site, Site]:
    for name in ("ROLLCALL_HOME", "ROLLCALL_KEY", "ROLLCALL_OTHER_KEY", "ROLLCALL_DETECTOR"):
        monkeypatch.delenv(name, raising=False)
    here = make_site(tmp_path / "here", {"Ada": (1, R3), "Bea": (2, R3)})
    there = make_site(tmp_path / "there", {"Cem": (3, R3), "Lovelace": (1, [10, 11])})
    monkeypatch.setenv("ROLLCALL_KEY_FOLDER", str(here.settings.key_folder))
    monkeypatch.setattr(pipelines, "open_capture", lambda *_: capture())
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return here, there


def run(
    capsys: pytest.CaptureFixture[str], sites: tuple[Site, Site], *more: str
) -> tuple[int, str, str]:
    here, there = sites
    arguments = ["merge-gallery", str(there.settings.home), "--home", str(here.settings.home)]
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, *more])
    output = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, output.out, output.err


def keys(sites: tuple[Site, Site]) -> list[str]:
    return ["--other-key-folder", str(sites[1].settings.key_folder)]


def test_without_the_other_key_it_says_which_file(
    sites: tuple[Site, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, sites, "--yes")
    assert (code, out) == (3, "")
    assert "key file" in err


def test_nobody_is_here_to_ask(
    sites: tuple[Site, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, sites, *keys(sites))[0] == 2
    assert run(capsys, sites, *keys(sites), "--yes", "--on-collision", "ask")[0] == 2
    assert run(capsys, sites, *keys(sites), "--yes", "--on-collision", "maybe")[0] == 2


def test_who_may_be_somebody_is_named_and_left_out(
    sites: tuple[Site, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, sites, *keys(sites), "--yes")
    assert code == 1
    assert "left out: Lovelace (near_other_subject, Ada (" in out
    code, out, _ = run(capsys, sites, *keys(sites), "--yes", "--on-collision", "same", "--json")
    document = json.loads(out)
    assert (code, document["united"], document["present"]) == (0, 1, 1)
    assert document["finished"] is True


def test_a_person_answers_on_a_terminal(
    sites: tuple[Site, Site],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed = io.StringIO("y\nx\nd\n")
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", typed)
    code, out, err = run(capsys, sites, *keys(sites))
    assert (code, "answer with s, d or k" in err) == (0, True)
    assert "[s]ame person" in err
    assert "1 look like one and are not" in out


def test_the_key_may_be_in_the_environment(
    sites: tuple[Site, Site],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (file,) = sites[1].settings.key_folder.glob("*.key")
    monkeypatch.setenv("ROLLCALL_OTHER_KEY", file.read_text().strip())
    code, _, err = run(capsys, sites, "--yes", "--on-collision", "allow")
    assert code == 0
    assert file.read_text().strip() not in err
    monkeypatch.setenv("ROLLCALL_OTHER_KEY", tiny.KEY)
    assert run(capsys, sites, "--yes")[0] == 3


def test_who_was_erased_there_is_asked_about_first(
    sites: tuple[Site, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, sites, *keys(sites), "--yes", "--on-collision", "same")
    with sites[1].open() as service:
        cem = service.person("Cem").subject_id
        service.erase("Cem")
    code, out, _ = run(capsys, sites, *keys(sites), "--yes")
    assert code == 1
    assert cem in out
    assert "--erase-theirs" in out
    code, out, _ = run(capsys, sites, *keys(sites), "--yes", "--erase-theirs")
    assert code == 0
    assert "1 people were erased" in out
