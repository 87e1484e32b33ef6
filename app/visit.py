"""What a page is given: the gallery, the language, the work that goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.language import Language
from app.page_rights import PAGES
from app.tasks import Task, Tasks
from enrollment.rights import Acting, Right
from enrollment.service import Service

T = TypeVar("T")


@dataclass(frozen=True)
class Visit:
    """One run of the pages' script, for one visitor.

    tasks: long work that goes on when its page is left; the same for every visitor.
    token: of the visitor's session; None where nobody signs in.
    """

    service: Service
    language: Language
    tasks: Tasks
    token: str | None = None

    def may(self, right: Right) -> bool:
        """Is this the visitor's to do? Perhaps not before they have proved who they are."""
        return self.service.acting.may(right)

    def goes_on(self) -> bool:
        """Is the visitor still signed in? Safe in any thread."""
        return bool(self._acting().rights)

    def may_open(self, path: str) -> bool:
        """Is the page of this address for the visitor?"""
        needed = PAGES[path]
        return not needed or any(self.may(right) for right in needed)

    def theirs(self, work: Callable[[], T]) -> Callable[[], T]:
        """`work` in the visitor's name, in whichever thread it runs and whenever."""

        def done() -> T:
            with self.service.acting_as(self._acting()):
                return work()

        return done

    def start(self, name: str, work: Callable[[Task], None], total: int = 0) -> Task:
        """As `Tasks.start`; what the work does is this visitor's, also when they have left."""
        acting = self.service.acting

        def done(task: Task) -> None:
            with self.service.acting_as(acting):
                work(task)

        return self.tasks.start(name, done, total)

    def _acting(self) -> Acting:
        return (
            self.service.acting if self.token is None else self.service.sessions.acting(self.token)
        )

    def say(self, text: str, /, **values: object) -> str:
        """As `Language.say`."""
        return self.language.say(text, **values)

    def say_many(self, one: str, many: str, n: int, /, **values: object) -> str:
        """As `Language.say_many`."""
        return self.language.say_many(one, many, n, **values)
