"""Enrolling many people as work that goes on when its page is left."""

import time
from collections.abc import Callable, Iterator

from app.bulk_draft import ALLOW, BulkDraft
from app.tasks import Task
from enrollment.bulk import BulkPlan, BulkResult, Question, result_of_refused
from enrollment.enroller import Collision, allow_collision, refuse_collision
from enrollment.intake import Enrollee
from enrollment.service import Service
from wording.message import message

NAME = "bulk"
_LOOKS_PER_SECOND = 5  # whether somebody has pressed stop, while waiting


def bulk_work(service: Service, draft: BulkDraft, plan: BulkPlan) -> Callable[[Task], None]:
    """The work on this plan, with what the draft says now. Its results are `BulkResult`s; its steps
    are photos."""
    consent = draft.agreed_to
    on_collision = allow_collision if draft.near == ALLOW else refuse_collision
    begun = draft.begun

    def work(task: Task) -> None:
        begun.set()
        task.results.extend(result_of_refused(wrong) for wrong in plan.refused)
        results = service.enroll_bulk(
            _announced(task, plan), consent, on_collision, task.step, _waiting(task)
        )
        for result in results:
            task.results.append(result)

    return work


def _announced(task: Task, plan: BulkPlan) -> Iterator[Enrollee]:
    """Each person as the work gets there. The count is put right: not every photo is looked at."""
    done = 0
    for person in plan.people:
        task.stage, task.done = person.name, done
        yield person
        done += len(person.photos)
    task.stage, task.done = message("measuring the threshold anew"), done


def _waiting(task: Task) -> Callable[[float], None]:
    def wait(seconds: float) -> None:
        done = task.done
        task.stage = message("another process holds the gallery; trying again")
        for _ in range(round(seconds * _LOOKS_PER_SECOND)):
            task.step()
            task.done = done
            time.sleep(1 / _LOOKS_PER_SECOND)

    return wait


def results_of(task: Task) -> list[BulkResult]:
    """What it has handed over so far, oldest first."""
    return [result for result in list(task.results) if isinstance(result, BulkResult)]


def answered(service: Service, question: Question, answer: str) -> BulkResult:
    """Enroll somebody who was set aside, as a person decided; somebody else who looks the same is
    a question of its own."""

    def say(collision: Collision) -> str:
        same_question = collision.near.subject_id == question.collision.near.subject_id
        return answer if same_question else "cancel"

    (result,) = service.enroll_bulk([question.person], question.consent, say)
    return result
