"""--ray at the command line: what is asked first, and what is left afterwards."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import cli
from app.ray_place import ray_place
from enrollment.errors import BadInput, Unusable
from tests import tiny
from tests.galleries import make_gallery
from tests.test_layering import ROOT

PEOPLE = 12
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROLLCALL_RAY", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_ray_is_not_loaded_unless_it_is_asked_for() -> None:
    program = (
        "import sys, app.cli, app.ray_place, enrollment.service, enrollment.ray_crew\n"
        "import enrollment.ray_cluster\n"
        "with app.ray_place.ray_place(None) as place: assert place is None\n"
        "assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_without_ray_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    before = dict(os.environ)
    with pytest.raises(Unusable, match="pip install"), ray_place("local"):
        pass
    assert dict(os.environ) == before


def test_a_cluster_without_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("auto", "127.0.0.1:6379", "ray://cluster:10001"):
        with pytest.raises(BadInput, match="RAY_AUTH_MODE=token"), ray_place(address):
            pass
    monkeypatch.setenv("ROLLCALL_RAY", "auto")
    with pytest.raises(BadInput), ray_place(None):
        pass
    with ray_place("off") as place:
        assert place is None
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x" * 32)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(BadInput), ray_place("auto"):
        pass


def test_the_command_ends_before_it_opens_anything(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny.write_photos(tmp_path / "photos" / "Anna", 1, range(1))
    for command in (["enroll", str(tmp_path / "photos")], ["nightly"], ["rebackbone", "tiny-2"]):
        with pytest.raises(SystemExit) as ended:
            cli.main([*command, "--ray", "auto", "--home", str(tmp_path / "none")])
        assert ended.value.code == 2
        assert "without one whoever reaches its ports" in capsys.readouterr().err


# -- with a cluster ---------------------------------------------------------------------------


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: sockets lie below it. Its name finds every process that was started here."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="rc") as folder:
        yield Path(folder)
        for pid in processes(Path(folder)):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path, place: Path) -> Iterator[Start]:
    home = make_gallery(tmp_path / "gallery", {"Somebody": (40, 3)})
    for number in range(PEOPLE):
        tiny.write_photos(tmp_path / "photos" / f"Person {number:02}", number, range(3))
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str, ray: str = "local") -> subprocess.Popen[str]:
        command = ["enroll", str(tmp_path / "photos"), "--consent", "agreed", "--ray", ray, *words]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.app.ray_cli", *command],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "HOME": str(tmp_path),
                    "TMPDIR": str(place),
                    "RAY_AUTH_TOKEN": "x" * 40,
                    "ROLLCALL_HOME": str(home),
                    "ROLLCALL_KEY": tiny.KEY,
                    "ROLLCALL_KEY_FOLDER": str(home / "keys"),
                },
            )
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def processes(place: Path) -> dict[int, bytes]:
    """Those that run with this folder for temporary files: pid -> environment."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            environment = (folder / "environ").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue
        if f"TMPDIR={place}".encode() in environment.split(b"\0"):
            found[int(folder.name)] = environment
    return found


def gone(place: Path, seconds: float = 300.0) -> bool:
    until = time.monotonic() + seconds
    while processes(place) and time.monotonic() < until:
        time.sleep(0.2)
    return not processes(place)


def kept_lines(process: subprocess.Popen[str], most: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(most)]


def enrolled(start: Start) -> dict[str, int]:
    """What a run without Ray says of everybody: photos that were kept now."""
    out, err = start("--json", ray="off").communicate(timeout=120)
    assert out, err
    return {subject["name"]: subject["accepted"] for subject in json.loads(out)["subjects"]}


@pytest.mark.slow
def test_a_folder_is_enrolled_and_nothing_is_left(start: Start, place: Path) -> None:
    process = start("--json")
    seen: dict[int, bytes] = {}
    while process.poll() is None:
        seen |= {p: e for p, e in processes(place).items() if p != process.pid}
        time.sleep(0.1)
    out, err = process.communicate()
    document = json.loads(out)  # one document, and no line of Ray's
    assert (process.returncode, document["accepted"]) == (0, 3 * PEOPLE), err
    assert document["ray"]["done"] == 3 * PEOPLE
    assert (document["ray"]["workers"], document["ray"]["lost"]) == (2, 0)
    rays = [environment for environment in seen.values() if b"RAY_AUTH_MODE=token" in environment]
    assert len(rays) >= 4
    assert not any(tiny.KEY.encode() in environment for environment in rays)
    assert not processes(place)
    assert not list(place.glob("rollcall-ray-*"))
    assert not any(enrolled(start).values())


@pytest.mark.slow
def test_a_worker_is_killed_and_it_is_said(start: Start, place: Path) -> None:
    process = start()
    kept_lines(process, 2)
    workers = [
        pid
        for pid in processes(place)
        if b"ray::Worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "a Ray worker was lost; what it did is done again" in err
    assert "1 workers were lost" in out
    assert "raylet" not in out + err, "what Ray itself says of it"
    assert out.count("3 of 3 photos kept") == PEOPLE - 2
    assert not any(enrolled(start).values())


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_a_run_goes_on(start: Start, place: Path) -> None:
    process = start()
    done = kept_lines(process, 3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert gone(place, 5)
    assert not list(place.glob("rollcall-ray-*"))
    later = enrolled(start)
    assert sum(count == 3 for count in later.values()) < PEOPLE - 2
    for line in done:
        assert later[line.partition(":")[0]] == 0, "who was acknowledged is there, and once"
    assert not any(enrolled(start).values())


@pytest.mark.slow
def test_a_killed_command_leaves_no_process(start: Start, place: Path) -> None:
    process = start()
    kept_lines(process, 2)
    process.kill()
    process.wait()
    assert gone(place)
    assert sum(enrolled(start).values()) <= 3 * (PEOPLE - 2)
    assert not any(enrolled(start).values())


@pytest.mark.slow
def test_a_cluster_that_is_not_there(start: Start) -> None:
    process = start(ray="127.0.0.1:9")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "the Ray cluster 127.0.0.1:9 cannot be reached" in err
    assert len(err.strip().splitlines()) == 1
