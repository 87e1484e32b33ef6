"""Receipts of erasures: genuine or not, and whether they still hold."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.receipt import content_of
from enrollment.service import Service


@pytest.fixture
def receipt(service: Service, person: Callable[..., Enrollee]) -> dict[str, object]:
    people = [person(0, name="Anna"), person(1, name="Bo")]
    assert all(r.enrolled for r in service.enroll(people, "yes", allow_collision))
    return service.erase("Anna").as_document()


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(content, indent=3), "utf-8")
    return path


def test_it_holds(service: Service, receipt: dict[str, object], tmp_path: Path) -> None:
    for shape in (receipt, [receipt], {"subject_id": receipt["subject_id"], "receipt": receipt}):
        (checked,) = service.privacy.check_receipts(written(tmp_path, shape))
        assert checked.holds, checked


def test_anybody_can_check_it(service: Service, receipt: dict[str, object]) -> None:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(service.diagnose().receipts_key))
    key.verify(bytes.fromhex(str(receipt["signature"])), content_of(receipt))


@pytest.mark.parametrize("field", ["subject_id", "erased_at", "gallery_id", "signature", "added"])
def test_one_letter_changed(
    service: Service, receipt: dict[str, object], tmp_path: Path, field: str
) -> None:
    changed = receipt | {field: str(receipt.get(field, ""))[:-1] + "!"}
    (checked,) = service.privacy.check_receipts(written(tmp_path, changed))
    assert not checked.genuine
    assert not checked.holds


def test_a_signature_of_somebody_elses_key(
    service: Service, receipt: dict[str, object], tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    theirs = Ed25519PrivateKey.generate()
    forged = receipt | {"public_key": theirs.public_key().public_bytes_raw().hex()}
    forged["signature"] = theirs.sign(content_of(forged)).hex()
    (checked,) = service.privacy.check_receipts(written(tmp_path, forged))
    assert not checked.genuine, "the key in the receipt proves nothing"


def test_of_somebody_who_is_here(
    service: Service, receipt: dict[str, object], tmp_path: Path
) -> None:
    (checked,) = service.privacy.check_receipts(
        written(tmp_path, receipt | {"subject_id": service.person("Bo").subject_id})
    )
    assert (checked.erased, checked.here, checked.holds) == (False, True, False)


@pytest.mark.parametrize("content", [[], {}, "text", 3, None, {"receipt": []}, [{"a": 1}]])
def test_no_receipt(service: Service, tmp_path: Path, content: object) -> None:
    with pytest.raises(BadInput, match="no receipt"):
        service.privacy.check_receipts(written(tmp_path, content))
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(BadInput, match="no receipt"):
        service.privacy.check_receipts(tmp_path / "binary")
    with pytest.raises(BadInput, match="cannot be read"):
        service.privacy.check_receipts(tmp_path / "absent")
