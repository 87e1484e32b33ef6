"""What goes wrong in the rooms below, raised for real, as a page says it to readers of German."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.language import Language
from app.tasks import Tasks
from enrollment.config import Settings
from enrollment.errors import RollcallError
from enrollment.opening import capture_for_evaluation, database_url
from models.backbone import open_backbone, resolve_backbone
from models.errors import ModelError
from models.vgg_face import FILE, check_weights
from models.weights import verify_record, weights_file, write_record
from store.backup import read_header
from store.database import sqlite_url
from store.errors import StoreError
from store.gallery import create_gallery, open_gallery
from store.index import TemplateIndex
from store.key import parse_key, read_key_file
from tests.store.places import KEY, facts, in_folder, make
from wording.message import words_of

GERMAN = Language("de")


def no_gallery(folder: Path) -> None:
    database_url(folder)


def an_empty_database(folder: Path) -> None:
    sqlite3.connect(folder / "gallery.db").close()
    open_gallery(sqlite_url(folder / "gallery.db"), KEY)


def another_key(folder: Path) -> None:
    make(in_folder(folder)).close()
    open_gallery(in_folder(folder), bytes(32))


def no_key_file(folder: Path) -> None:
    read_key_file(folder / "absent.key")


def no_key(folder: Path) -> None:
    parse_key("not a key")


def a_file_that_is_no_database(folder: Path) -> None:
    (folder / "gallery.db").write_bytes(b"this is no database, and never was one" * 100)
    open_gallery(sqlite_url(folder / "gallery.db"), KEY)


def a_backup_that_is_none(folder: Path) -> None:
    (folder / "x.rollcall").write_bytes(b"no backup")
    read_header(folder / "x.rollcall")


def no_backup(folder: Path) -> None:
    read_header(folder / "absent.rollcall")


def an_empty_embedding(folder: Path) -> None:
    TemplateIndex(4).add([1], np.zeros((1, 4), np.float32))


def weights_cut_off(folder: Path) -> None:
    (folder / FILE).write_bytes(b"half")
    check_weights(folder / FILE)


def weights_that_changed(folder: Path) -> None:
    path = folder / "weights.bin"
    path.write_bytes(b"first")
    write_record(weights_file(path), folder)
    path.write_bytes(b"second")
    verify_record(path, folder)


def no_weights(folder: Path) -> None:
    open_backbone("vgg-face", folder)


def an_unknown_backbone(folder: Path) -> None:
    resolve_backbone("facenet", folder)


def a_wrong_description(folder: Path) -> None:
    toml = folder / "own.toml"
    toml.write_text('name = "own"\n')
    open_backbone(f"onnx:{toml}", folder)


def a_detector_that_cannot_be_opened(folder: Path) -> None:
    settings = Settings(home=folder, detector=f"yunet:{folder}/absent.onnx")
    capture_for_evaluation(settings, "dlib-resnet")


RAISED: list[tuple[Callable[[Path], None], str]] = [
    (no_gallery, "gibt es keine Galerie; legen Sie eine an mit: rollcall init"),
    (an_empty_database, "die Datenbank enthält keine Galerie"),
    (another_key, "ist nicht der, unter dem die Galerie steht"),
    (no_key_file, "ist nicht vorhanden; legen Sie sie zurück"),
    (no_key, "der Schlüssel hat keine 32 Bytes"),
    (a_file_that_is_no_database, "die Datenbank ist beschädigt"),
    (a_backup_that_is_none, "ist keine Sicherung von Rollcall"),
    (no_backup, "absent.rollcall kann nicht gelesen werden"),
    (an_empty_embedding, "ein Embedding hat nicht die Länge eins"),
    (weights_cut_off, "(sie hat 4 Bytes statt etwa"),
    (weights_that_changed, "ist nicht die zuerst verwendete Datei"),
    (no_weights, "die Gewichte von vgg-face fehlen"),
    (an_unknown_backbone, "unbekanntes Backbone 'facenet'"),
    (a_wrong_description, "own.toml: file muss angegeben werden"),
    (a_detector_that_cannot_be_opened, "absent.onnx ist nicht vorhanden: Holen Sie"),
]


@pytest.mark.parametrize(
    ("cause", "said"), RAISED, ids=lambda value: getattr(value, "__name__", "")
)
def test_an_error_is_told_in_german(
    tmp_path: Path, cause: Callable[[Path], None], said: str
) -> None:
    with pytest.raises((StoreError, ModelError, RollcallError)) as raised:
        cause(tmp_path)
    told = GERMAN.tell(words_of(raised.value))
    assert said in told
    assert Language().tell(words_of(raised.value)) == str(raised.value)


def test_work_that_failed_says_why_in_german(tmp_path: Path) -> None:
    tasks = Tasks()
    task = tasks.start("open", lambda task: no_gallery(tmp_path))
    task.wait(10)
    assert GERMAN.tell(task.error or "").endswith("legen Sie eine an mit: rollcall init")
    task = tasks.start("fail", lambda task: int("none"))
    task.wait(10)
    assert GERMAN.tell(task.error or "").startswith("ein Fehler, den niemand vorhergesehen hat")


def test_why_this_backbone_is_told_in_german_when_it_comes_from_the_database(
    tmp_path: Path,
) -> None:
    chosen, why = resolve_backbone("auto", tmp_path)
    assert chosen == "dlib-resnet"
    create_gallery(in_folder(tmp_path), KEY, replace(facts(), backbone_reason=why), 0.01)
    gallery = open_gallery(in_folder(tmp_path), KEY)
    again = gallery.facts.backbone_reason
    gallery.close()
    assert again == why
    assert GERMAN.tell(again).startswith("Das eingebaute Backbone wird verwendet: die Gewichte")


def test_why_this_backbone_of_a_gallery_of_before_is_the_text_it_was(tmp_path: Path) -> None:
    old = replace(facts(), backbone_reason="vgg-face was asked for.")
    create_gallery(in_folder(tmp_path), KEY, old, 0.01)
    gallery = open_gallery(in_folder(tmp_path), KEY)
    assert gallery.facts.backbone_reason == "vgg-face was asked for."
    gallery.close()
