"""What comes from another site is looked at as strictly as what is enrolled here.

Its seals say that the other site wrote it, and nothing more: whoever has taken that site over has
its key. So names are names, photos are opened by the one decoder, and no id is somebody else's.
"""

import math
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np

from enrollment.enrollee import MAX_NAME, check_name
from enrollment.errors import BadInput
from enrollment.photo import decode, photo_bytes
from enrollment.portrait import SIDE
from enrollment.quality import Quality
from enrollment.reasons import Reason
from store.carried import Carried, CarriedSample, Here
from store.consent import version_of
from store.records import Consent, Negative
from wording.message import message, words_of

_CLOCKS = timedelta(days=1)  # by which the clocks of two sites may differ
_LONGEST = 10_000  # signs of a consent's words, as the API takes them
_MOST_DETAILS = 10_000  # signs of all of a photo's details
_DIGEST = 64


def fault_of(one: Carried, known: Here) -> str | None:
    """What is wrong with a subject's row and consents, in a sentence; None: nothing is.

    Args:
        known: what of them is here already.
    """
    subject = one.subject
    if subject.subject_id in known.taken:
        return message("an id of theirs is somebody else's here")
    try:
        check_name(subject.name)
    except BadInput as error:
        return words_of(error)
    number = subject.external_id
    if number is not None and not (number.isprintable() and 0 < len(number) <= MAX_NAME):
        return message("the external id is no line of at most {most} signs", most=MAX_NAME)
    if not _is_id(subject.subject_id) or _is_to_come(subject.enrolled_at):
        return message("the id or the day of enrolling is none")
    if not all(map(_is_sound, one.consents)):
        return message("a consent is empty, too long, not given yet, or ended before it was given")
    return None


def photo_fault_of(sample: CarriedSample, consents: Iterable[Consent]) -> str | None:
    """What is wrong with a photo and what was measured of it; None: nothing is.

    Args:
        consents: of the subject it is of; it rests on one of these.
    """
    if sample.consent_id not in {c.consent_id for c in consents}:
        return message("a photo rests on no consent of theirs")
    if not _is_id(sample.sample_id) or not all(0 <= i < 1 << 63 for i in sample.templates):
        return message("the id of a photo or of a template is none")
    if _is_to_come(sample.captured_at) or not _are_details(sample.details):
        return message("what was written down of a photo cannot be understood")
    picture = decode(photo_bytes("portrait", sample.image))
    if isinstance(picture, Reason):
        return picture.message
    if not sample.image.startswith(b"\xff\xd8\xff") or max(picture.image.shape[:2]) > SIDE:
        return message("a photo is no portrait of at most {side} px", side=SIDE)
    return None


def is_sound(negative: Negative, dimension: int) -> bool:
    """Is it a face, (dimension,) float32 of unit length, and what was written down of it?"""
    vector = negative.vector
    unit = vector.shape == (dimension,) and abs(float(np.linalg.norm(vector)) - 1) < 1e-3
    return (
        unit
        and _is_id(negative.negative_id)
        and not _is_to_come(negative.at)
        and _are_plain(negative.details)
    )


def _is_sound(consent: Consent) -> bool:
    said = consent.text
    return (
        _is_id(consent.consent_id)
        and (consent.basis != "consent" or bool(said.strip()))
        and len(said) <= _LONGEST
        and _is_text(said)
        and consent.version == version_of(said)
        and not _is_to_come(consent.given_at)
        and (consent.expires_at is None or consent.expires_at > consent.given_at)
    )


def _is_id(text: str) -> bool:
    """One of ours: a UUID, with or without its dashes."""
    try:
        return text in (str(uuid.UUID(text)), uuid.UUID(text).hex)
    except ValueError:
        return False


def _is_to_come(at: datetime) -> bool:
    return at > datetime.now(UTC) + _CLOCKS


def _is_text(text: str) -> bool:
    """Lines of letters and signs: nothing that a terminal would obey."""
    return all(sign in "\n\r\t" or unicodedata.category(sign) != "Cc" for sign in text)


def _are_details(details: object) -> bool:
    if not isinstance(details, Mapping) or not _are_plain(details):
        return False
    digest, points = details.get("digest"), details.get("landmarks")
    if digest is not None and not (
        isinstance(digest, str)
        and len(digest) == _DIGEST
        and all(sign in "0123456789abcdef" for sign in digest)
    ):
        return False
    return points is None or (_are_landmarks(points) and _are_measures(details.get("quality")))


def _are_landmarks(points: object) -> bool:
    """(5, 2) px in a portrait, or not far beside it."""
    try:
        placed = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        return False
    within = placed.shape == (5, 2) and bool((np.abs(placed - SIDE / 2) <= SIDE).all())
    return within and float(placed.std(axis=0).max()) > 1


def _are_measures(quality: object) -> bool:
    names = {field.name for field in fields(Quality)}
    return (
        isinstance(quality, Mapping)
        and quality.keys() == names
        and all(isinstance(value, int | float) for value in quality.values())
    )


def _are_plain(details: Mapping[str, object]) -> bool:
    """Words and numbers under names, perhaps lists and names of these, and not many."""
    return len(str(details)) <= _MOST_DETAILS and _is_plain(details)


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, str):
        return _is_text(value)
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
