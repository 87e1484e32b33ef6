"""Detectors and backbones by name: the gallery's own, and one that it may move to."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.opening import DEFAULT_DETECTOR, absolute_spec, build_capture, open_capture
from models.backbone import open_backbone, resolve_backbone
from models.detector import open_detector
from models.errors import ModelError
from models.vgg_face import download_weights
from models.weights import Progress
from store.records import GalleryFacts
from wording.message import words_of


class Pipelines(Protocol):
    def of_gallery(self, facts: GalleryFacts) -> Capture:
        """Those that a gallery was made with. Raises FingerprintMismatch, Unusable."""
        ...

    def named(self, backbone: str, detector: str) -> tuple[Capture, str, str]:
        """A backbone with this detector, its whole name, and why it is the one that was meant.

        Raises:
            BadInput: it cannot be opened, or is not known.
        """
        ...

    def opener(self, facts: GalleryFacts) -> Callable[[], Capture]:
        """What opens in another process what these facts name; it knows names and folders alone."""
        ...


class PipelinesOf:
    """What Rollcall knows, with the weights where these settings say.

    progress: told of bytes done and in all while weights are fetched.
    """

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        self._settings = settings
        self._progress = progress

    def of_gallery(self, facts: GalleryFacts) -> Capture:
        return open_capture(self._settings, facts, self._progress)

    def named(self, backbone: str, detector: str) -> tuple[Capture, str, str]:
        settings = self._settings
        try:
            chosen, reason = resolve_backbone(
                absolute_spec(backbone),
                settings.weights_home,
                search=settings.weights_search,
                download=download_weights,
                progress=self._progress,
            )
            spec = absolute_spec(settings.detector or detector or DEFAULT_DETECTOR)
            capture = build_capture(settings, spec, chosen, self._progress, download_weights)
        except ModelError as error:
            raise BadInput(words_of(error)) from error
        return capture, chosen, reason

    def opener(self, facts: GalleryFacts) -> Callable[[], Capture]:
        settings = self._settings
        detector = absolute_spec(settings.detector) if settings.detector else facts.detector
        weights = settings.weights_home, settings.weights_search
        return partial(_open, detector, facts.backbone, *weights)


def _open(detector: str, backbone: str, home: Path, search: tuple[Path, ...]) -> Capture:
    """Raises ModelError: they are not on this machine. Nothing is downloaded."""
    return Capture(open_detector(detector), open_backbone(backbone, home, search=search))
