"""Is a receipt of an erasure genuine, and does it still hold?

A receipt is signed with Ed25519 (RFC 8032) over itself as JSON without `signature`: keys sorted, no
spaces, ASCII. With the gallery's public key (`rollcall doctor`) anybody can check it without us.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from enrollment.errors import BadInput
from store.gallery import Gallery
from wording.message import message

_MOST = 1 << 20  # bytes of a file of receipts


@dataclass(frozen=True)
class CheckedReceipt:
    """One receipt. genuine: this gallery wrote it, and not one letter was changed.

    erased: the id is on the gallery's list of those who were erased; here: somebody has this id.
    """

    subject_id: str
    genuine: bool
    erased: bool
    here: bool

    @property
    def holds(self) -> bool:
        return self.genuine and self.erased and not self.here

    def as_document(self) -> dict[str, object]:
        return {**asdict(self), "holds": self.holds}


def content_of(document: Mapping[str, object]) -> bytes:
    """What is signed."""
    rest = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")


def check_receipts(gallery: Gallery, path: Path) -> list[CheckedReceipt]:
    """Of a file with one receipt, a list of them, or what `rollcall erase --json` says.

    Raises:
        BadInput: there is none in it.
    """
    try:
        if path.stat().st_size > _MOST:
            raise ValueError
        found = json.loads(path.read_bytes())
    except OSError as error:
        said = message("{path} cannot be read: {error}", path=path, error=str(error.strerror))
        raise BadInput(said) from error
    except (ValueError, RecursionError) as error:
        raise _no_receipt(path) from error
    receipts = [_unpacked(one) for one in (found if isinstance(found, list) else [found])]
    if not receipts or not all(isinstance(one.get("subject_id"), str) for one in receipts):
        raise _no_receipt(path)
    return [_check(gallery, receipt) for receipt in receipts]


def _unpacked(found: object) -> dict[str, object]:
    document = found if isinstance(found, dict) else {}
    inner = document.get("receipt", document)
    return inner if isinstance(inner, dict) else {}


def _check(gallery: Gallery, receipt: Mapping[str, object]) -> CheckedReceipt:
    subject_id = str(receipt["subject_id"])
    return CheckedReceipt(
        subject_id=subject_id,
        genuine=_is_signed(gallery.public_key, receipt),
        erased=gallery.is_erased(subject_id),
        here=bool(gallery.some_subjects([subject_id])),
    )


def _is_signed(public_key: bytes, receipt: Mapping[str, object]) -> bool:
    try:
        signature = bytes.fromhex(str(receipt.get("signature")))
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content_of(receipt))
    except (InvalidSignature, ValueError):
        return False
    return True


def _no_receipt(path: Path) -> BadInput:
    return BadInput(message("{path} holds no receipt of an erasure", path=path))
