"""A liveness challenge, bound to one person from its beginning to its end."""

from enrollment.capture import FoundFace
from enrollment.evidence import Evidence, likeness
from enrollment.liveness import Challenge, ChallengeState
from wording.message import message


class Proof:
    """One person's attempt. Whoever began it must be who ends it: a face is embedded at both ends.

    verdict: None while it goes on, "passed", or "failed: why".
    """

    def __init__(self, challenge: Challenge, same_person: float) -> None:
        self._challenge = challenge
        self._same_person = same_person
        self._opening: Evidence | None = None
        self._ended_at: float | None = None
        self.verdict: str | None = None
        self.why: str | None = None  # it failed

    @property
    def waits(self) -> bool:
        """It has not begun: nothing that was seen until now counts."""
        return self._challenge.state is ChallengeState.WAITING

    @property
    def ask(self) -> str:
        return self._challenge.ask

    @property
    def state(self) -> str:
        return self._challenge.state.value if self.verdict is None else self.verdict

    @property
    def wants_a_look(self) -> bool:
        """The face must be embedded now."""
        ended = self._challenge.state is ChallengeState.PASSED and self.verdict is None
        return ended or (self._opening is None and not self.waits)

    def see(self, found: FoundFace, seconds: float) -> bool:
        """Look at one frame; True when there is something new to tell."""
        told = self._challenge.see(found.face.landmarks, seconds)
        if self._challenge.state is ChallengeState.FAILED and self.verdict is None:
            self.fail(self._challenge.why or message("it was not passed"))
        if self._challenge.state is ChallengeState.PASSED and self._ended_at is None:
            self._ended_at = seconds
        return told

    def take(self, evidence: Evidence) -> None:
        """A face of this person was embedded."""
        if self._opening is None:
            self._opening = evidence
        elif self._ended_at is not None and evidence.seconds >= self._ended_at:
            same = likeness([self._opening], [evidence]) >= self._same_person
            if self.verdict is None and same:
                self.verdict = "passed"
            elif self.verdict is None:
                self.fail(message("another face ended it than began it"))

    def fail(self, why: str) -> None:
        self.verdict, self.why = f"failed: {why}", why
