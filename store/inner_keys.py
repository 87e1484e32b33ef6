"""The keys that a gallery's digests and seals are made with, below the master key.

A gallery that was never rotated derives them from its master key. From the first rotation on they
are random and kept in the gallery's row, sealed by the master key of that time.
"""

import json
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


@dataclass(frozen=True, repr=False)
class InnerKeys:
    """lookup: of digests whose input is not kept (secrets of API keys, tokens, ids of the erased),
    so it outlives every rotation. faces, heads: of what belongs to no subject. audit: since which
    row of the audit trail each key counts; a row keeps the key that it was written with."""

    lookup: bytes
    faces: bytes
    heads: bytes
    audit: tuple[tuple[int, bytes], ...]

    def rotated(self, since: int) -> "InnerKeys":
        """New ones, from this row of the audit trail on."""
        faces, heads, audit = (secrets.token_bytes(KEY_BYTES) for _ in range(3))
        return InnerKeys(self.lookup, faces, heads, (*self.audit, (since, audit)))

    def as_bytes(self) -> bytes:
        held = {
            "lookup": self.lookup.hex(),
            "faces": self.faces.hex(),
            "heads": self.heads.hex(),
            "audit": [[since, key.hex()] for since, key in self.audit],
        }
        return json.dumps(held).encode()


def derived_from(master: bytes) -> InnerKeys:
    return InnerKeys(
        lookup=derive(master, b"rollcall lookup"),
        faces=derive(master, b"rollcall faces of nobody"),
        heads=derive(master, b"rollcall heads"),
        audit=((1, derive(master, b"rollcall audit")),),
    )


def read_inner_keys(held: bytes) -> InnerKeys:
    found = json.loads(held)
    return InnerKeys(
        lookup=bytes.fromhex(found["lookup"]),
        faces=bytes.fromhex(found["faces"]),
        heads=bytes.fromhex(found["heads"]),
        audit=tuple((int(since), bytes.fromhex(key)) for since, key in found["audit"]),
    )


def derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(master)
