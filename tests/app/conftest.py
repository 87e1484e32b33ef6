"""The real models, opened once for everything that runs in this process."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner

from app.keras_state import keep_keras_state
from app.tasks import Tasks
from enrollment import opening
from models.backbone import Backbone, open_backbone
from models.detector import open_detector
from models.fingerprint import golden_embeddings

_detector = functools.cache(open_detector)
_golden = functools.cache(golden_embeddings)


@functools.cache
def _dlib_resnet() -> Backbone:
    return open_backbone("dlib-resnet", Path("unused"))


def _backbone(spec: str, *arguments: object, **options: object) -> Backbone:
    return _dlib_resnet() if spec == "dlib-resnet" else open_backbone(spec, *arguments, **options)


@pytest.fixture(scope="module")
def models_opened_once() -> Iterator[None]:
    """A command opens MTCNN and dlib in seconds, most of them for the golden images.

    Processes of their own (test_as_a_process_of_its_own, the browser's server) still do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "open_detector", _detector)
        patch.setattr(opening, "open_backbone", _backbone)
        patch.setattr(opening, "golden_embeddings", _golden)
        yield


@pytest.fixture(scope="session", autouse=True)
def keras_is_kept() -> None:
    """As `main.py` does, which no AppTest runs."""
    keep_keras_state()


@pytest.fixture(scope="session", autouse=True)
def packages_are_scanned_once() -> Iterator[None]:
    """Each AppTest reads the metadata of every installed package, in search of components."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    """As a server's, ended with the test."""
    made = Tasks()
    yield made
    made.close()
