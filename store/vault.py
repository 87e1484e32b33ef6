"""Encryption of everything that identifies a face.

One random data key per subject, wrapped by a key that is derived from the gallery's master key;
other keys are below it likewise, see `inner_keys.py`, so that a new master key re-wraps few bytes.
Destroying the wrapped key makes every copy of that subject's rows unreadable. AES-256-GCM (NIST SP
800-38D) with 96-bit random nonces; the associated data names subject, row and fingerprint, so that
a row that was moved to somebody else, or comes from another backbone, does not open.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.errors import GalleryDamaged
from store.inner_keys import InnerKeys, derive, derived_from, read_inner_keys
from wording.message import message

_NONCE = 12
_INNER = b"inner keys"


@dataclass(frozen=True, repr=False)
class SubjectKey:
    """One subject's data key, unwrapped. Lives in memory only."""

    subject_id: str
    key: bytes
    _cipher: AESGCM = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cipher", AESGCM(self.key))

    def seal(self, plaintext: bytes, *context: str) -> bytes:
        """Encrypt; `context` must be given again, word for word, to open."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plaintext, self._bind(context))

    def open(self, sealed: bytes, *context: str) -> bytes:
        """Decrypt.

        Raises:
            GalleryDamaged: the bytes, the subject or the context are not those of `seal`.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._bind(context))
        except (InvalidTag, ValueError) as error:
            raise self.changed() from error

    def open_into(self, sealed: bytes, plain: memoryview, *context: str) -> None:
        """Decrypt into `plain`, which has its very length: of many rows the quicker way.

        Raises:
            GalleryDamaged: as `open`, or the length is another one.
        """
        view = memoryview(sealed)
        try:
            self._cipher.decrypt_into(view[:_NONCE], view[_NONCE:], self._bind(context), plain)
        except (InvalidTag, ValueError) as error:
            raise self.changed() from error

    def changed(self) -> GalleryDamaged:
        return GalleryDamaged(
            message(
                "an encrypted row of subject {subject} was changed or moved; "
                "restore the gallery from a backup",
                subject=self.subject_id,
            )
        )

    def _bind(self, context: tuple[str, ...]) -> bytes:
        return "\x1f".join((self.subject_id, *context)).encode()


class Vault:
    """Wraps subject keys and computes the gallery's keyed digests."""

    def __init__(self, master: bytes, sealed: bytes | None = None) -> None:
        """Args: sealed: the inner keys, as the gallery's row holds them; None: never rotated.

        Raises:
            GalleryDamaged: they were not sealed with this master key.
        """
        self._wrapping = AESGCM(derive(master, b"rollcall subject keys"))
        self._sealing = AESGCM(derive(master, b"rollcall inner keys"))
        self._backups = derive(master, b"rollcall backups")
        self.key_id = key_id_of(master)
        self._take(derived_from(master) if sealed is None else self._open_inner(sealed))

    def _take(self, inner: InnerKeys) -> None:
        self._inner = inner
        self._audit = [(since, HMAC(key, hashes.SHA256())) for since, key in inner.audit]
        self._lookup = inner.lookup
        self._heads = AESGCM(inner.heads)
        self._faces = AESGCM(inner.faces)

    def rotated(self, master: bytes, since: int) -> "Vault":
        """The vault of a new master key: all inner keys are new but that of lookups.

        Args:
            since: the first row of the audit trail that is written with it.
        """
        new = Vault(master)
        new._take(self._inner.rotated(since))
        return new

    def sealed_inner_keys(self) -> bytes:
        """As `Vault` takes them, for the gallery's row."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._sealing.encrypt(nonce, self._inner.as_bytes(), _INNER)

    def _open_inner(self, sealed: bytes) -> InnerKeys:
        try:
            return read_inner_keys(self._sealing.decrypt(sealed[:_NONCE], sealed[_NONCE:], _INNER))
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                message("the gallery's own keys were changed; restore the gallery from a backup")
            ) from error

    def new_key(self, subject_id: str) -> tuple[SubjectKey, bytes]:
        """A fresh data key, and its wrapped form for the database."""
        key = SubjectKey(subject_id, secrets.token_bytes(32))
        return key, self.wrap(key)

    def wrap(self, key: SubjectKey) -> bytes:
        """A data key as it is kept: 60 bytes."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._wrapping.encrypt(nonce, key.key, key.subject_id.encode())

    def unwrap(self, subject_id: str, wrapped: bytes) -> SubjectKey:
        """Raises GalleryDamaged when the wrapped key is not this subject's."""
        try:
            key = self._wrapping.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], subject_id.encode())
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                message(
                    "the key of subject {subject} was changed; restore the gallery from a backup",
                    subject=subject_id,
                )
            ) from error
        return SubjectKey(subject_id, key)

    def seal_head(self, head_id: str, content: bytes) -> bytes:
        """A head's rows are as good as templates: they are never kept in the clear."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._heads.encrypt(nonce, content, head_id.encode())

    def open_head(self, head_id: str, sealed: bytes) -> bytes:
        """Raises GalleryDamaged when these are not the bytes that were sealed for this head."""
        try:
            return self._heads.decrypt(sealed[:_NONCE], sealed[_NONCE:], head_id.encode())
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                message("the file of head {head_id} was changed", head_id=head_id)
            ) from error

    def seal_face(self, content: bytes, *context: str) -> bytes:
        """Encrypt what belongs to no subject: a face in the review queue, a negative.

        `context` must be given again, word for word, to open.
        """
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._faces.encrypt(nonce, content, "\x1f".join(context).encode())

    def open_face(self, sealed: bytes, *context: str) -> bytes:
        """Raises GalleryDamaged when the bytes or the context are not those of `seal_face`."""
        try:
            return self._faces.decrypt(
                sealed[:_NONCE], sealed[_NONCE:], "\x1f".join(context).encode()
            )
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                message(
                    "an encrypted {what} was changed or moved; restore the gallery from a backup",
                    what=" ".join(context[:2]),
                )
            ) from error

    def backup_cipher(self, salt: bytes) -> AESGCM:
        """The cipher of one backup file, whose own salt makes its key: nonces may count from 0."""
        key = HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=b"rollcall backup file")
        return AESGCM(key.derive(self._backups))

    def audit_mac(self, record: bytes, row: int | None = None) -> bytes:
        """Args: row: of the audit trail, whose key counts; None: the newest."""
        of = self._audit[-1][1]
        if row is not None and len(self._audit) > 1:
            of = next((mac for since, mac in reversed(self._audit) if since <= row), of)
        mac = of.copy()  # a third of the time of making one
        mac.update(record)
        return mac.finalize()

    def index_secret(self, fingerprint: str) -> bytes:
        """What vectors are turned by where the index is elsewhere, 32 bytes; another after each
        rotation, and of each pipeline."""
        return derive(self._inner.faces, b"rollcall index " + fingerprint.encode())

    def signing_key(self) -> Ed25519PrivateKey:
        """Signs what is handed out; whoever has the public key can check it without ours."""
        return Ed25519PrivateKey.from_private_bytes(derive(self._lookup, b"rollcall receipts"))

    def lookup_mac(self, purpose: str, value: bytes) -> bytes:
        """A keyed digest: equal values can be found again, and nobody without the key can test
        whether a given photo or person is in the gallery."""
        digest = hashlib.sha256(value).digest()
        return hmac.digest(self._lookup, purpose.encode() + b"\x1f" + digest, "sha256")


def key_id_of(master: bytes) -> str:
    """A master key's public name: tells keys apart, and nothing about them."""
    return hmac.digest(derive(master, b"rollcall key id"), b"", "sha256").hex()[:16]
