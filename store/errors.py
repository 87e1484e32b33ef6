"""What can go wrong in the store. Every text says what happened and what to do next.

StoreError
├── GalleryMissing      there is no gallery here
├── GalleryExists       there is one already, and nothing overwrites it
├── GalleryLocked       another process holds it for too long
├── GalleryDamaged      a file, a row or a template is not what was written
├── KeyMissing          the key that opens the gallery is absent or is another one
├── UnknownSubject      no such subject
└── BadVector           an embedding that must not enter the index
"""


class StoreError(Exception):
    """Base of the room."""


class GalleryMissing(StoreError):
    pass


class GalleryExists(StoreError):
    pass


class GalleryLocked(StoreError):
    pass


class GalleryDamaged(StoreError):
    pass


class KeyMissing(StoreError):
    pass


class ErasureUnfinished(StoreError):
    """The rows are deleted; that backups must not bring anybody back is not written down yet."""


class UnknownSubject(StoreError):
    pass


class BadVector(StoreError, ValueError):
    pass
