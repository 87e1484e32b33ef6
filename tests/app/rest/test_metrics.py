"""What a monitor reads: complete, true, documented, and nobody's."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from enrollment.photo import photo_bytes
from enrollment.service import Service
from tests.app.rest.conftest import photo, png
from tests.app.rest.test_subjects import enroll

DOCUMENT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
LABELS = {"way", "decision", "outcome", "method", "route", "status", "le"}


def samples(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(client.get("metrics").text)
        for sample in family.samples
    }


def test_every_number_moves(everything: TestClient, service: Service) -> None:
    before = samples(everything)
    for person in (1, 2, 3):
        enroll(everything, f"Person {person}", person)
    everything.post("identify", files=photo(1))
    everything.post("verify", files=photo(9), data={"name": "Person 1"})
    everything.post("nightly")
    service.rebuild()
    after = samples(everything)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0.0)

    assert grown("rollcall_people") == 3
    assert grown("rollcall_templates") == 9
    assert grown("rollcall_gallery_generation") > 0
    assert grown("rollcall_embeddings_total") == 11
    assert grown("rollcall_embedding_seconds_count") == 11
    assert grown("rollcall_embedding_seconds_bucket", le="+Inf") == 11
    assert grown("rollcall_searches_total") >= 4
    assert grown("rollcall_search_seconds_sum") > 0
    assert grown("rollcall_decisions_total", way="identify", decision="known") == 1
    assert grown("rollcall_decisions_total", way="verify", decision="unknown") == 1
    assert grown("rollcall_decisions_total", way="passage", decision="known") == 0
    assert grown("rollcall_index_rebuilds_total") == 1
    assert sum(grown("rollcall_nights_total", outcome=o) for o in ("promoted", "refused")) == 1
    posted = {"method": "POST", "route": "/subjects", "status": "201"}
    assert grown("rollcall_request_seconds_count", **posted) == 3


def test_other_doors_than_the_api_count(everything: TestClient, service: Service) -> None:
    """As the pages ask, which know nothing of Prometheus."""
    service.identify(photo_bytes("a.png", png(1, 1)))
    found = samples(everything)
    counted = ("rollcall_decisions_total", (("decision", "unknown"), ("way", "identify")))
    assert found[counted] == 1


def test_labels_hold_what_we_wrote(everything: TestClient, service: Service) -> None:
    ada = enroll(everything, "Ada", 1)
    everything.get(f"subjects/{ada}")
    everything.get("somewhere/else")
    everything.request("STRANGE", "subjects")
    found = samples(everything)
    assert {label for _, labels in found for label, _ in labels} <= LABELS
    values = {value for _, labels in found for label, value in labels if label != "le"}
    assert "/subjects/{subject_id}" in values
    assert not any(ada in value or "STRANGE" in value or "else" in value for value in values)


def test_every_metric_is_documented(everything: TestClient) -> None:
    served = {
        family.name
        for family in text_string_to_metric_families(everything.get("metrics").text)
        if family.name.startswith("rollcall_")
    }
    written = {
        name.removesuffix("_total")
        for name in re.findall(r"^\| `(rollcall_[a-z_]+)", DOCUMENT, re.MULTILINE)
    }
    assert served == written
