"""The whole job through the command line, on drawn people with MTCNN and the embedded backbone."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from app import cli
from demo.people import NAMES, PEOPLE, group, portrait
from enrollment.photo import encode_jpeg

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("models_opened_once")]
STAFF, PHOTOS = 3, 2
CONSENT = "drawn people agree"


@dataclass
class Rollcall:
    """The command line on one gallery, in this process: models take seconds to load."""

    home: Path
    folder: Path

    def __call__(self, *arguments: str | Path, code: int = 0) -> list[dict]:
        words = [*map(str, arguments), "--json", "--home", str(self.home)]
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setenv("ROLLCALL_KEY_FOLDER", str(self.folder / "keys"))
            patch.setattr(sys, "stdin", io.StringIO())
            with pytest.raises(SystemExit) as ended:
                cli.main(words)
        return checked(words, ended.value.code or 0, out.getvalue(), err.getvalue(), code)

    def photos(self, name: str, *pictures: tuple[int, int]) -> Path:
        """A folder of portraits: (person, picture) each."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for person, number in pictures:
            path = folder / f"{person}-{number}.jpg"
            path.write_bytes(encode_jpeg(portrait(PEOPLE[person], number)))
        return folder


def checked(words: list[str], found: object, out: str, err: str, code: int) -> list[dict]:
    """The documents on stdout, after looking at what every command promises."""
    assert found == code, f"{words}: {found} {err[-500:]}"
    assert "Traceback" not in err
    if code in (2, 3):
        assert out == ""
        assert len(err.strip().splitlines()) == 1, err
        return [{"error": err}]
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def made(models_opened_once: None, tmp_path_factory: pytest.TempPathFactory) -> Rollcall:
    """A gallery with STAFF people, PHOTOS photos each."""
    folder = tmp_path_factory.mktemp("job")
    rollcall = Rollcall(folder / "made", folder)
    (facts,) = rollcall("init", "--backbone", "dlib-resnet")
    assert facts["dimension"] == 128
    assert (folder / "keys").is_dir()
    for person in range(STAFF):
        rollcall.photos(f"staff/{NAMES[person]}", *((person, n) for n in range(PHOTOS)))
    (report,) = rollcall("enroll", folder / "staff", "--consent", CONSENT)
    assert (report["accepted"], report["refused"]) == (STAFF * PHOTOS, 0)
    return rollcall


@pytest.fixture
def rollcall(made: Rollcall, tmp_path: Path) -> Rollcall:
    """The same gallery, a copy of its own for each test."""
    shutil.copytree(made.home, tmp_path / "gallery")
    shutil.copytree(made.folder / "keys", tmp_path / "keys")
    return Rollcall(tmp_path / "gallery", tmp_path)


def test_enrolled_people_and_strangers(rollcall: Rollcall) -> None:
    probes = rollcall.photos("probes", (0, 10), (1, 11), (9, 10), (10, 10))
    (probes / "several.jpg").write_bytes(
        encode_jpeg(group([(PEOPLE[0], 20), (PEOPLE[9], 21)], size=400))
    )
    (probes / "nobody.png").write_bytes(cv2.imencode(".png", np.full((200, 200, 3), 128))[1])
    lines = rollcall("identify", probes)
    found = {}
    for line in lines:
        found.setdefault(Path(line["source"]).name, []).append(line)
    for person, picture in ((0, 10), (1, 11)):
        (line,) = found[f"{person}-{picture}.jpg"]
        assert (line["decision"], line["name"]) == ("known", NAMES[person])
        assert line["head_agrees"] is True
        assert line["margin"] > 0
        assert line["candidates"][0]["score"] == line["score"]
    for name in ("9-10.jpg", "10-10.jpg"):
        assert [line["decision"] for line in found[name]] == ["unknown"]
    names = sorted(line["name"] or "" for line in found["several.jpg"])
    assert len(names) == 2
    assert NAMES[9] not in names
    assert [(x["decision"], x["reasons"]) for x in found["nobody.png"]] == [
        ("refused", ["no_face"])
    ]
    keys = {
        "source", "frame", "box", "decision", "subject_id", "name", "score", "margin",
        "head_agrees", "reasons", "candidates",
    }  # fmt: skip
    assert all(keys <= set(line) for line in lines)


def test_as_a_process_of_its_own(rollcall: Rollcall) -> None:
    """What libraries print below Python must not reach stdout, nor a second line stderr."""
    probe = rollcall.photos("probe", (0, 10)) / "0-10.jpg"
    (rollcall.folder / "cut.mp4").write_bytes(b"no video")
    words = ["identify", str(probe), str(rollcall.folder / "cut.mp4")]
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *words, "--json", "--home", str(rollcall.home)],
        env=os.environ | {"ROLLCALL_KEY_FOLDER": str(rollcall.folder / "keys")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (answer,) = done.stdout.splitlines()
    assert json.loads(answer)["name"] == NAMES[0]
    (complaint,) = done.stderr.splitlines()
    assert "cut.mp4 cannot be read as a video" in complaint


def test_video(rollcall: Rollcall) -> None:
    path = rollcall.folder / "pass.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 480))
    for picture in (30, 31):
        for _ in range(2):
            video.write(portrait(PEOPLE[1], picture)[:, :, ::-1])
    video.release()
    lines = rollcall("identify", path)
    assert [line["frame"] for line in lines] == [0, 2]
    assert {line["name"] for line in lines} <= {NAMES[1], None}
    (line,) = rollcall("identify", path, "--decide-per", "source")
    assert (line["decision"], line["name"]) == ("known", NAMES[1])
    (rollcall.folder / "cut.mp4").write_bytes(b"no video")
    rollcall("identify", rollcall.folder / "cut.mp4", code=2)


def test_people_come_change_and_go(rollcall: Rollcall) -> None:
    ada, bert = NAMES[0], NAMES[1]
    (listed,) = rollcall("people")
    assert len(listed["subjects"]) == STAFF
    (found,) = rollcall("people", "--search", ada[:4].upper())
    assert ada in {s["name"] for s in found["subjects"]}
    subject_id = next(s["subject_id"] for s in listed["subjects"] if s["name"] == ada)
    rollcall("person", "rename", ada, "Ada Neu")
    (shown,) = rollcall("person", "show", "ada neu")
    assert shown["subjects"][0]["subject_id"] == subject_id
    assert shown["subjects"][0]["consents"][0]["text"] == CONSENT
    probe = rollcall.photos("probe", (0, 10)) / "0-10.jpg"
    (answer,) = rollcall("verify", probe, "--name", "Ada Neu")
    assert answer["decision"] == "known"
    assert answer["score"] >= answer["threshold"]
    rollcall("verify", probe, "--name", bert, code=1)
    rollcall("person", "merge", "Ada Neu", bert, code=2)
    rollcall("person", "merge", "Ada Neu", bert, "--yes")
    assert rollcall("identify", probe)[0]["name"] == bert
    rollcall("person", "unmerge", "Ada Neu")
    rollcall("person", "suspend", "Ada Neu")
    assert rollcall("identify", probe)[0]["decision"] == "unknown"
    rollcall("person", "resume", "Ada Neu")
    assert rollcall("identify", probe)[0]["name"] == "Ada Neu"
    rollcall("erase", "Ada Neu", code=2)
    (erased,) = rollcall("erase", "Ada Neu", "--yes")
    assert erased["subject_id"] == subject_id
    assert erased["receipt"]["negative_test"]["found"] == 0
    assert rollcall("identify", probe)[0]["decision"] == "unknown"
    live = b"".join(p.read_bytes() for p in rollcall.home.iterdir())
    assert subject_id.encode() not in live
    (checked,) = rollcall("rebuild", "--verify")
    assert (checked["sound"], checked["templates"]) == (True, (STAFF - 1) * PHOTOS)


def test_refusals_of_photos(rollcall: Rollcall) -> None:
    folder = rollcall.photos("new", (6, 0), (6, 1), (7, 0))
    (folder / "text.jpg").write_bytes(b"this is a text file")
    (folder / "two.jpg").write_bytes(encode_jpeg(group([(PEOPLE[8], 0), (PEOPLE[9], 0)], size=400)))
    blurred = cv2.GaussianBlur(portrait(PEOPLE[6], 3), (0, 0), 14)
    (folder / "blurred.jpg").write_bytes(encode_jpeg(blurred))
    (folder / "anim.gif").write_bytes(b"GIF89a" + bytes(20))
    (report,) = rollcall("enroll", folder, "--name", NAMES[6], "--consent", CONSENT)
    reasons = {Path(s["source"]).name: s["reasons"] for s in report["subjects"][0]["samples"]}
    assert reasons["6-0.jpg"] == reasons["6-1.jpg"] == []
    assert reasons["7-0.jpg"] == ["not_this_person"]
    assert reasons["text.jpg"] == ["unreadable_image"]
    assert reasons["two.jpg"] == ["several_faces"]
    assert reasons["anim.gif"] == ["unsupported_format"]
    assert set(reasons["blurred.jpg"]) & {"blurred", "no_face", "low_detection"}
    (again,) = rollcall("enroll", folder, "--name", NAMES[6], "--consent", CONSENT)
    assert again["accepted"] == 0
    (nobody,) = rollcall("enroll", folder / "text.jpg", "--name", "X", "--consent", "y", code=1)
    assert nobody["accepted"] == 0
    other = rollcall.photos("again", (0, 5))
    (report,) = rollcall("enroll", other, "--name", "Somebody New", "--consent", "y", code=1)
    assert report["subjects"][0]["samples"][0]["reasons"] == ["near_other_subject"]
    (report,) = rollcall(
        "enroll", other, "--name", "Twin", "--consent", "y", "--on-collision", "allow"
    )
    assert report["subjects"][0]["created"] is True
    (report,) = rollcall("enroll", other, "--name", "No Consent", code=1)
    assert report["subjects"][0]["samples"][0]["reasons"] == ["no_consent"]


def test_archives_and_tables(rollcall: Rollcall) -> None:
    photos = rollcall.photos("zip", (11, 0), (11, 1), (11, 2))
    archive = rollcall.folder / "staff.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for photo in photos.iterdir():
            file.write(photo, f"{NAMES[11]}/{photo.name}")
    (report,) = rollcall("enroll", archive, "--consent", CONSENT)
    assert (report["subjects"][0]["name"], report["accepted"]) == (NAMES[11], 3)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("../../evil.jpg", b"x")
    rollcall("enroll", archive, "--consent", CONSENT, code=2)
    rollcall.photos("table", (12, 0))
    table = rollcall.folder / "people.csv"
    table.write_text(f"name,photo,external_id\n{NAMES[12]},table/12-0.jpg,77\n", "utf-8")
    (report,) = rollcall("enroll", table, "--consent", CONSENT)
    assert report["subjects"][0]["warnings"]
    assert rollcall("people", "--search", "77")[0]["subjects"][0]["name"] == NAMES[12]
    table.write_text("name,photo\n=cmd(),table/12-0.jpg\n")
    rollcall("enroll", table, "--consent", CONSENT, code=2)


def test_operating_point_and_doctor(rollcall: Rollcall) -> None:
    (point,) = rollcall("calibrate", "--max-fpir", "0.02")
    assert (point["max_fpir"], point["promise"]) == (0.02, "not_enough_data")
    assert point["n_nonmated"] == STAFF * PHOTOS
    rollcall("calibrate", "--max-fpir", "7", code=2)
    (found,) = rollcall("doctor")
    assert found["device"].startswith(("CPU", "GPU"))
    assert found["problems"] == []
    assert len(found["weights"]["sha256"]) == 64
    assert found["operating_point"]["max_fpir"] == 0.02


def test_a_gallery_that_cannot_be_used(rollcall: Rollcall, tmp_path: Path) -> None:
    probe = rollcall.photos("probe", (0, 10))
    rollcall("init", code=2)
    elsewhere = Rollcall(tmp_path / "elsewhere", tmp_path)
    (said,) = elsewhere("init", "--backbone", "onnx:none.toml", code=2)
    assert "none.toml" in said["error"]
    assert not elsewhere.home.exists()
    (key,) = (tmp_path / "keys").glob("*.key")  # the anchor of the audit trail lies beside it
    key.rename(tmp_path / "taken")
    (said,) = rollcall("identify", probe, code=3)
    assert "key file" in said["error"]
    (tmp_path / "taken").rename(key)
    database = rollcall.home / "gallery.db"
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 2])
    rollcall("identify", probe, code=3)
    database.write_bytes(b"x" * 5000)
    rollcall("people", code=3)
    database.write_bytes(whole)
    assert rollcall("identify", probe)[0]["decision"] == "known"


def test_evaluate(rollcall: Rollcall) -> None:
    for person in range(2):
        rollcall.photos(f"gallery/{NAMES[person]}", (person, 0), (person, 1))
        rollcall.photos(f"mated/{NAMES[person]}", (person, 40))
    rollcall.photos("strangers", (12, 0))
    (found,) = rollcall(
        "evaluate", "--backbone", "dlib-resnet", "--gallery", rollcall.folder / "gallery",
        "--mated", rollcall.folder / "mated", "--nonmated", rollcall.folder / "strangers",
    )  # fmt: skip
    assert (found["n_subjects"], found["n_mated"], found["n_nonmated"]) == (2, 2, 1)
    assert found["rank1"] == 1.0
    assert found["failure_to_enroll"] == 0.0
    assert found["fpir"] == 0.0


def test_the_review_queue(rollcall: Rollcall) -> None:
    """Strangers are queued, one is enrolled from there, and one is remembered as a stranger."""
    probes = rollcall.photos("visit", (9, 10), (9, 11), (9, 12), (10, 10), (0, 10))
    rollcall("identify", probes, "--review")
    (found,) = rollcall("review", "list")
    by_person = {
        Path(sighting["source"]).name.split("-")[0]: cluster["cluster_id"]
        for cluster in found["clusters"]
        for sighting in cluster["sightings"]
    }
    assert found["sightings"] == 4
    assert by_person.keys() == {"9", "10"}
    first = found["clusters"][0]
    assert (first["cluster_id"], first["count"]) == (by_person["9"], 3)
    (shown,) = rollcall(
        "review", "show", first["cluster_id"], "--to", rollcall.folder / "faces.jpg"
    )
    assert Path(shown["files"][0]).stat().st_size > 10_000
    (report,) = rollcall(
        "review", "assign", first["cluster_id"], "--name", "Nova Neu", "--consent", CONSENT
    )
    assert (report["done"], report["created"]) == (3, True)
    (report,) = rollcall("review", "ignore", by_person["10"])
    assert report["done"] == 1
    later = rollcall.photos("later", (9, 20), (10, 11))
    lines = {Path(x["source"]).name: x for x in rollcall("identify", later, "--review")}
    assert lines["9-20.jpg"]["name"] == "Nova Neu"
    assert lines["10-11.jpg"]["decision"] == "unknown"
    (found,) = rollcall("review", "list")
    assert found["sightings"] == 0
    (erased,) = rollcall("erase", "Nova Neu", "--yes")
    assert erased["receipt"]["erased_rows"]["samples"] == 3
