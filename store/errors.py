"""What can go wrong in the store. Every text says what happened and what to do next.

StoreError
├── GalleryMissing      there is no gallery here
├── GalleryExists       there is one already, and nothing overwrites it
├── GalleryLocked       another process holds it for too long
├── DatabaseAway        the database's server does not answer
├── IndexUnusable       the index is in Milvus, and nobody can be recognised just now
│   ├── IndexAway       it does not answer
│   └── IndexDamaged    what it answers is not what was put there
├── GalleryDamaged      a file, a row or a template is not what was written
├── BackboneMoved       what was embedded belongs to a backbone that the gallery has left
├── KeyMissing          the key that opens the gallery is absent or is another one
├── UnknownSubject      no such subject
├── CannotBeKept        a text that the database takes in no row and no question
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


class DatabaseAway(StoreError):
    pass


class IndexUnusable(StoreError):
    pass


class IndexAway(IndexUnusable):
    pass


class IndexDamaged(IndexUnusable):
    pass


class GalleryDamaged(StoreError):
    pass


class BackboneMoved(StoreError):
    pass


class KeyMissing(StoreError):
    pass


class ErasureUnfinished(StoreError):
    """The rows are deleted; that backups must not bring anybody back is not written down yet."""


class UnknownSubject(StoreError):
    pass


class CannotBeKept(StoreError):
    pass


class BadVector(StoreError, ValueError):
    pass
