"""What must stand in no log: texts, and bytes however they are written down."""

import base64

from enrollment.service import Service

_LEAST = 16  # bytes of a photo or a template that are enough to know it by


class Private:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.blobs: list[bytes] = []

    def keep_templates(self, service: Service) -> None:
        """Everybody's, as arrays of float32 and as numbers."""
        vectors = service._gallery.templates().vectors
        assert len(vectors)
        for vector in vectors:
            self.blobs.append(vector.tobytes())
            self.texts += [str(float(vector[0])), repr(vector[0]), f"{vector[0]:.6f}"]

    def assert_absent(self, text: str) -> None:
        for word in self.texts:
            assert word.lower() not in text.lower(), word
        for blob in self.blobs:
            # Three starts, because base64 looks different at each of them.
            for start in range(3):
                part = blob[start : start + 3 * _LEAST]
                for written in (
                    base64.b64encode(part).decode(),
                    base64.urlsafe_b64encode(part).decode(),
                    part.hex(),
                    repr(part)[2:-1],
                ):
                    assert written not in text
