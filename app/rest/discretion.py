"""What a caller without the scope `scores` is told: decisions and bands, never a raw score.

Fifty to two hundred scores are enough to rebuild a template (Frontiers in Imaging 2025, 1476377),
so a band says nothing that the decision does not say.
"""

from collections.abc import Mapping

from enrollment.reasons import ReasonCode

# Numbers that tell how near a face is to somebody enrolled, by name, wherever they stand.
_NEARNESS = frozenset({"score", "margin", "threshold", "measured_threshold", "likeness"})
# Their own sentences say whom a face is like, and how much; the last one here counts.
_SAID_INSTEAD = {
    ReasonCode.DUPLICATE_PHOTO: "this photo is there already; skipped",
    ReasonCode.NOT_THIS_PERSON: "the face does not fit; a person has to look at it",
    ReasonCode.NEAR_OTHER_SUBJECT: "the face does not fit; a person has to look at it",
}
_BANDS = {"known": "above", "unknown": "below", "refused": "none"}


def told(document: Mapping[str, object], *, scores: bool) -> dict[str, object]:
    """The document as this caller may have it; `band` is added beside every decision."""
    return _told(document) if not scores else _with_band(document)


def _with_band(document: Mapping[str, object]) -> dict[str, object]:
    decision = document.get("decision")
    found = dict(document)
    if isinstance(decision, str):
        found["band"] = _BANDS[decision]
    return found


def _told(document: Mapping[str, object]) -> dict[str, object]:
    found = _with_band(document)
    for key, value in found.items():
        if key in _NEARNESS:
            found[key] = None
        elif key == "candidates":
            found[key] = []
        elif key == "head_agrees":
            found[key] = None  # a second bit for each probe
        elif isinstance(value, Mapping):
            found[key] = _told(value)
        elif isinstance(value, list):
            found[key] = [_told(v) if isinstance(v, Mapping) else v for v in value]
    reasons = found.get("reasons")
    for code, said in _SAID_INSTEAD.items():
        if isinstance(reasons, list) and code.value in reasons:
            found["message"] = said
    if "warnings" in found:
        found["warnings"] = []  # they say how near the nearest colleague is
    return found
