"""Two processes that read each other, and nobody between them.

Whatever carries the bytes keeps them for a while: in shared memory, in a log, on a disk when memory
is short. It keeps ciphertext. Each side draws an X25519 key (RFC 7748), both derive two AES-256-GCM
keys from it, one a direction; none of them is ever sent or stored. Who only listens learns nothing;
who can change what is sent could stand between the two, which the transport has to forbid.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from enrollment.errors import Unusable
from wording.message import message

_NONCE = 12
_KEY = 32


class SealedLink:
    """One end. Both ends give each other their `public` bytes and call `join`."""

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def join(self, theirs: bytes) -> None:
        shared = self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
        both = sorted((self.public, theirs))
        keys = HKDF(SHA256(), 2 * _KEY, None, b"rollcall workers" + b"".join(both)).derive(shared)
        halves = [AESGCM(keys[:_KEY]), AESGCM(keys[_KEY:])]
        if self.public == both[1]:
            halves.reverse()
        self._sends, self._receives = halves

    def seal(self, plain: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._sends.encrypt(nonce, plain, None)

    def open(self, sealed: bytes) -> bytes:
        """Raises Unusable: the bytes are not those that the other end sealed."""
        try:
            return self._receives.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, ValueError) as error:
            raise Unusable(
                message("what came from a worker was changed on its way; look at the cluster")
            ) from error
