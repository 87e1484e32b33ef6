"""From one real network to another and back, on real faces; skipped where they are not here."""

from pathlib import Path

import pytest

from benchmarks.split import LFW, SHARED, retail_backbone
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import gather
from enrollment.opening import create
from enrollment.photo import photo_file
from enrollment.rebackbone import Terms
from enrollment.service import open_service
from tests import tiny

pytestmark = pytest.mark.slow
YUNET = SHARED / "weights" / "face_detection_yunet_2023mar.onnx"
RETAIL = SHARED / "weights" / "face-reidentification-retail-0095.onnx"
PEOPLE = 6


@pytest.mark.skipif(
    not (YUNET.exists() and RETAIL.exists() and LFW.is_dir()),
    reason="no real faces or no weights of a second network: a move of real ones was not tried",
)
def test_from_one_real_network_to_another_and_back(tmp_path: Path) -> None:
    settings = Settings(
        tmp_path / "gallery", key=tiny.KEY, key_folder=tmp_path / "keys", detector=f"yunet:{YUNET}"
    )
    people = sorted((LFW / "known").iterdir())[:PEOPLE]
    for person in people:
        for photo in sorted(person.iterdir())[:3]:
            link = tmp_path / "photos" / person.name / photo.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(photo)
    (tmp_path / "retail").mkdir()
    retail = retail_backbone(tmp_path / "retail")
    create(settings, "dlib-resnet")
    probes = {person.name: photo_file(sorted(person.iterdir())[3]) for person in people}
    with open_service(settings) as service:
        list(service.enroll(gather([tmp_path / "photos"]), "yes", allow_collision))
        before = {name: service.identify(probe) for name, probe in probes.items()}
        prepared = service.rebackbone.prepare(retail)
        assert prepared.fidelity is not None
        assert prepared.fidelity[1] > 0.98, "kept faces are as good as the photos"
        assert prepared.faceless == {}
        _, moved = service.rebackbone.switch(prepared, Terms(accept_worse=True))
        assert moved is not None
        assert service.backbone.dimension == 256
        for name, probe in probes.items():
            assert name in {c.name for a in service.identify(probe) for c in a.candidates[:1]}
        _, moved = service.rebackbone.switch(service.rebackbone.prepare_back(), Terms())
        assert moved is not None
        after = {name: service.identify(probe) for name, probe in probes.items()}
    for name in probes:
        assert [a.score for a in after[name]] == pytest.approx([a.score for a in before[name]])
