"""Ten visitors at once do not open ten backbones."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.key_source import read_key
from enrollment.opening import database_url
from enrollment.service import Service
from store.archive import open_archive
from store.gallery import open_gallery
from store.records import GalleryFacts


def test_models_are_opened_once(service: Service, settings: Settings, capture: Capture) -> None:
    opened: list[Capture] = []
    together = threading.Barrier(10)

    def open_slowly(_facts: GalleryFacts) -> Capture:
        time.sleep(0.05)  # long enough for the others to come
        opened.append(capture)
        return capture

    key = read_key(settings, service.facts.gallery_id, service.keys.key_id)
    gallery = open_gallery(database_url(settings.home), key)
    with Service(
        gallery, open_archive(settings.home, gallery.vault), open_slowly, settings
    ) as shared:

        def visit(_number: int) -> str:
            together.wait(60)
            return shared.backbone.name

        with ThreadPoolExecutor(10) as visitors:
            assert set(visitors.map(visit, range(10))) == {"tiny"}
        shared.warm()
    assert len(opened) == 1
