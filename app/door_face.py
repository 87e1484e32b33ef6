"""What the door's screen says now: one word or two, for somebody two metres away."""

import math
from dataclasses import dataclass

from app.language import Language
from app.live_recognition import LiveRecognition, Scene
from app.passed import Passed
from enrollment.reasons import ReasonCode

RESULT_LASTS = 4.0  # seconds
_PROMPT_LASTS = 6.0  # seconds; a challenge gives five for each turn
_STEP_BACK = {ReasonCode.LIVENESS_FAILED}


@dataclass(frozen=True)
class DoorFace:
    """state: "off" | "ready" | "checking" | "turn_left" | "turn_right" | "known" | "unknown" |
    "refused" | "fault". headline: a few words. detail: one sentence, or none."""

    state: str
    headline: str
    detail: str = ""


def door_face(live: LiveRecognition, language: Language, other_way: str) -> DoorFace:
    """Args:
    other_way: what somebody does whom the camera does not recognise.
    """
    say, camera, now = language.say, live.camera(), live.clock()
    result = _latest(live, now)
    if result is not None:
        return _result(result, language, other_way)
    if camera == "off":
        return DoorFace("off", say("The camera is off"), say("Press Start the camera, below."))
    if camera == "starting" or (live.follower is not None and not live.follower.ready):
        return DoorFace("off", say("Getting ready …"))
    if camera != "live":
        return DoorFace("fault", say("The camera is not working"), other_way)
    wait = live.budget.wait() if live.budget is not None else 0.0
    if wait:
        seconds = language.number(math.ceil(wait))
        more = say("The camera looks again in {seconds} s.", seconds=seconds)
        return DoorFace("off", say("Please wait"), f"{more} {other_way}")
    return _before_the_camera(live, language, live.scene(), now)


def _latest(live: LiveRecognition, now: float) -> Passed | None:
    passed = live.passed.newest_first()
    return passed[0] if passed and now - passed[0].seconds < RESULT_LASTS else None


def _result(passed: Passed, language: Language, other_way: str) -> DoorFace:
    say, answer = language.say, passed.passage.answer
    if answer.decision == "known" and answer.name is not None:
        return DoorFace("known", say("Welcome, {name}", name=answer.name))
    if any(reason.code in _STEP_BACK for reason in answer.reasons):
        return DoorFace("refused", say("Please try again: step back, then come near"), other_way)
    if answer.decision == "refused":
        return DoorFace("refused", say("Your face was not seen well"), other_way)
    return DoorFace("unknown", say("Not recognised"), other_way)


def _before_the_camera(
    live: LiveRecognition, language: Language, scene: Scene, now: float
) -> DoorFace:
    say = language.say
    checked = [sighted for sighted in scene.seen if sighted.state == "checking"]
    if not checked:
        return DoorFace("ready", say("Please look at the camera"))
    follower = live.follower
    prompt = follower.prompt if follower is not None else None
    asked = prompt is not None and prompt.track in {sighted.track for sighted in checked}
    if prompt is not None and asked and now - prompt.seconds < _PROMPT_LASTS:
        return _asked(prompt.ask, language)
    reasons = [reason.code for sighted in checked for reason in sighted.reasons]
    return DoorFace("checking", say("Checking …"), _advice(reasons[0], language) if reasons else "")


def _asked(ask: str, language: Language) -> DoorFace:
    say = language.say
    words = {
        "turn_left": say("Turn your head to your left"),
        "turn_right": say("Turn your head to your right"),
    }
    if ask in words:
        return DoorFace(ask, words[ask])
    return DoorFace("checking", say("Look straight at the camera"))


def _advice(code: ReasonCode, language: Language) -> str:
    say = language.say
    return {
        ReasonCode.FACE_TOO_SMALL: say("Come closer."),
        ReasonCode.BLURRED: say("Hold still."),
        ReasonCode.TOO_DARK: say("There is too little light on your face."),
        ReasonCode.TOO_BRIGHT: say("There is too much light on your face."),
    }.get(code, say("Show your whole face, and look at the camera."))
