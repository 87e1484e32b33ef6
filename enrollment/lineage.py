"""Where an enrolled photo came from, and who said that it is this person."""

from store.records import Sample

_KEYS = (
    "origin", "source", "sighting", "seen_at", "kind", "frame", "assigned_by", "assigned_at",
    "even_if_unlike", "likeness",
)  # fmt: skip


def lineage(sample: Sample) -> dict[str, object]:
    """origin: "enroll" (given as a photo, `source`) or "review" (assigned from the queue).

    even_if_unlike: somebody said so against the numbers; likeness: to the other photos, then.
    Photos of before lineage was kept were all given as photos.
    """
    told = {key: sample.details[key] for key in _KEYS if key in sample.details}
    return {
        "sample_id": sample.sample_id,
        "kept_at": sample.captured_at.isoformat(),
        **{"origin": "enroll", **told},
    }
