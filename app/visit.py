"""What a page is given: the gallery, the language, the work that goes on."""

from dataclasses import dataclass

from app.language import Language
from app.tasks import Tasks
from enrollment.service import Service


@dataclass(frozen=True)
class Visit:
    """One run of the pages' script, for one visitor.

    tasks: long work that goes on when its page is left; the same for every visitor.
    """

    service: Service
    language: Language
    tasks: Tasks

    def say(self, text: str, /, **values: object) -> str:
        """As `Language.say`."""
        return self.language.say(text, **values)

    def say_many(self, one: str, many: str, n: int, /, **values: object) -> str:
        """As `Language.say_many`."""
        return self.language.say_many(one, many, n, **values)
