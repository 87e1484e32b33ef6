"""watch: a headless door."""

import json
import math
import random
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.failure import DONE
from app.options import Home, Json
from app.output import DownloadBar, emit, note
from app.settings import Environment, read_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.camera import Camera, CameraState
    from app.review_tally import Offering
    from enrollment.capture import CapturedFace
    from enrollment.identifier import Identification
    from enrollment.passage import Frame, Passage, Passages, Prompt
    from enrollment.review_queue import Offer

GROUP = "Recognise"
_LOOK_SECONDS = 0.2  # the camera's state is looked at this often when no frame comes
UNPROTECTED = "no liveness protection: a photo passes for the person; attended use only"
UNMEASURED = (
    "anti-spoofing: deepface's networks look at each face; what they let through is not measured: "
    "attended use only"
)
CHALLENGED = (
    "liveness: turns of the head are asked for, which a still photo fails; films played back and "
    "masks are not measured: attended use only"
)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=GROUP)(watch)


def watch(
    camera: Annotated[
        str, typer.Option(help="A camera's number, an rtsp:// or http:// address, or a file.")
    ],
    webhook: Annotated[
        str | None,
        typer.Option(help="Also post every line there, signed with $ROLLCALL_WEBHOOK_SECRET."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End after the first passage.")] = False,
    require_liveness: Annotated[
        bool,
        typer.Option("--require-liveness", help="Name only those who turn their head when asked."),
    ] = False,
    anti_spoofing: Annotated[
        bool,
        typer.Option(
            "--anti-spoofing", help="Also refuse what deepface's networks take for a picture."
        ),
    ] = False,
    review: Annotated[
        bool, typer.Option(help="Queue those who were not named, for `rollcall review`.")
    ] = False,
    back_off: Annotated[
        bool,
        typer.Option(
            "--back-off/--no-back-off",
            help="After 20 people in a row who are unknown, wait 30 s after each further one.",
        ),
    ] = True,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Say who passes a camera: one JSON line a person on stdout, everything else on stderr.

    Example: rollcall watch --camera 0
    """
    from app.camera import Camera, parse_source
    from app.review_tally import ReviewTally
    from app.webhook import Webhook
    from enrollment.camera_budget import CameraBudget
    from enrollment.liveness import Challenge
    from enrollment.service import open_service

    source = parse_source(camera)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as open_things:
        service = open_things.enter_context(
            open_service(read_settings("watch", home), DownloadBar())
        )
        hook = None
        if webhook is not None:
            hook = Webhook(webhook, Environment().rollcall_webhook_secret or None, note)
        device = service.backbone.device  # loads the models before the door opens
        note(f"{source.name}: {service.count()} people enrolled, {device}")
        note(CHALLENGED if require_liveness else UNMEASURED if anti_spoofing else UNPROTECTED)
        for warning in hook.warnings if hook else ():
            note(warning)
        if hook is not None:
            open_things.enter_context(hook)
        post = hook.send if hook else lambda document: None
        door = Door(source.name, post, lambda: service.reached.state)
        tally = ReviewTally(door.unless_locked(service.queue.look_on)) if review else None
        passages = service.passages(
            source.name,
            onlooker=tally,
            anti_spoofing=anti_spoofing,
            challenge=(lambda: Challenge(random.SystemRandom())) if require_liveness else None,
            tell=door.prompt,
            budget=CameraBudget() if back_off else None,
        )
        try:
            with Camera(source) as opened:
                door.run(opened, passages, once)
        except KeyboardInterrupt:
            note("ended")
        if tally is not None:
            note(tally.sentence())
    return DONE


class Door:
    """Passages to stdout, events to stderr, both to the webhook."""

    def __init__(
        self,
        name: str,
        post: Callable[[Mapping[str, object]], None],
        database: Callable[[], str],
    ) -> None:
        self._name = name
        self._post = post
        self._database = database
        self._database_was = "there"
        self._index_was = "there"
        self._said = "opening"
        self._waits = False

    def run(self, camera: "Camera", passages: "Passages", once: bool) -> None:
        """Until the camera ends, or after the first passage.

        Raises:
            BadInput: it is a file that holds no frame.
        """
        from app.camera import CameraState
        from enrollment.errors import BadInput

        while True:
            frame = camera.newest(_LOOK_SECONDS)
            state = camera.state()
            if state is CameraState.ENDED and camera.read == 0:
                raise BadInput(
                    f"--camera {self._name} holds no frame that can be read; give an mp4, mov, mkv "
                    "or webm file, a URL or a camera's number"
                )
            self._follow(state, passages)
            if state is CameraState.ENDED and frame is None:
                self._passed(passages.end(), once)
                return
            if frame is not None and self._passed(self._seen(frame, passages), once):
                return
            self._back_off(passages.wait())
            self._follow_database()

    def _seen(self, frame: "Frame", passages: "Passages") -> "list[Passage]":
        """Nobody, while the database is away for longer than memory may speak for it, or the index
        is: whoever was before the camera is forgotten undecided, and the door stays."""
        from store.errors import DatabaseAway, GalleryLocked, IndexUnusable

        try:
            found = passages.see(frame)
        except (DatabaseAway, GalleryLocked, IndexUnusable) as error:
            passages.drop()
            if isinstance(error, IndexUnusable):
                self._follow_index("away")
            return []
        self._follow_index("there")
        return found

    def _follow_index(self, state: str) -> None:
        """Tell of a change: `away` (nobody is named), then `there`."""
        if state != self._index_was:
            self._index_was = state
            self._event({"event": "index", "source": self._name, "state": state})

    def _follow_database(self) -> None:
        """Tell of a change: `from_memory`, then `away` (nobody is named), then `there`."""
        state = self._database()
        if state != self._database_was:
            self._database_was = state
            self._event({"event": "database", "source": self._name, "state": state})

    def unless_locked(self, offer: "Offering") -> "Offering":
        """A door goes on while another process writes; what it could not queue is said."""

        def tried(
            answer: "Identification", face: "CapturedFace", image: "NDArray[np.uint8]"
        ) -> "Offer":
            from enrollment.review_queue import Offer
            from store.errors import DatabaseAway, GalleryLocked, IndexUnusable

            try:
                return offer(answer, face, image)
            except (GalleryLocked, DatabaseAway, IndexUnusable) as error:
                self._event({"event": "review", "source": self._name, "lost": str(error)})
                return Offer("not_needed")

        return tried

    def prompt(self, prompt: "Prompt") -> None:
        self._event(prompt.as_document())

    def _passed(self, found: "list[Passage]", once: bool) -> bool:
        """Say them; True when that is enough."""
        for passage in found:
            document = passage.as_document() | {"at": _now()}
            emit(document)
            # Who else was looked like is nobody's business beyond this machine.
            posted = {key: value for key, value in document.items() if key != "candidates"}
            self._post({"event": "passage"} | posted)
            if once:
                return True
        return False

    def _follow(self, state: "CameraState", passages: "Passages") -> None:
        """Tell of a change; whoever was before a camera that fails now is forgotten undecided."""
        from app.camera import CameraState

        if state.value == self._said or state is CameraState.OPENING:
            return
        before, self._said = self._said, state.value
        if state is CameraState.LIVE:
            if before != "opening":
                self._camera("back")
            return
        undecided = 0 if state is CameraState.ENDED else passages.drop()
        self._camera(state.value, undecided=undecided)

    def _back_off(self, seconds: float) -> None:
        """Said when it begins, for a display."""
        if seconds and not self._waits:
            wait = math.ceil(seconds)
            self._event({"event": "back_off", "source": self._name, "seconds": wait})
        self._waits = seconds > 0

    def _camera(self, state: str, **more: object) -> None:
        self._event({"event": "camera", "source": self._name, "state": state} | more)

    def _event(self, document: dict[str, object]) -> None:
        stamped = document | {"at": _now()}
        note(json.dumps(stamped, ensure_ascii=False))
        self._post(stamped)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
