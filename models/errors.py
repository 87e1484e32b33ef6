"""What can go wrong in this room, as one tree.

ModelError
├── WeightsMissing     a weights file is not there and cannot be fetched
├── WeightsDamaged     a weights file is there and is not what it should be
└── BadModelFile       a description (TOML) or an ONNX file that cannot be used
"""


class ModelError(Exception):
    """Base of the room. Its text is one line: what happened and what to do next."""


class WeightsMissing(ModelError):
    """A weights file is not there and cannot be fetched."""


class WeightsDamaged(ModelError):
    """A weights file is there, but truncated, foreign or changed since it was first used."""


class BadModelFile(ModelError):
    """A model's description or ONNX file cannot be used as it is."""
