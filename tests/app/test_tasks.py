"""Work that goes on when its page is left."""

import threading

from app.shared_service import shared_tasks
from app.tasks import Task, Tasks
from enrollment.errors import BadInput

PATIENCE = 60


def finished(task: Task) -> Task:
    task.wait(PATIENCE)
    assert not task.running
    return task


def test_work_is_done_step_by_step_and_found_again() -> None:
    tasks = Tasks()

    def work(task: Task) -> None:
        for number in range(3):
            task.step(f"number {number}")
            task.results.append(number)

    task = finished(tasks.start("count", work, total=3))
    assert (task.state, task.done, task.share, task.stage) == ("done", 3, 1.0, "number 2")
    assert tasks.latest("count") is task
    assert task.results == [0, 1, 2]
    assert task.ended is not None
    tasks.forget("count")
    assert tasks.latest("count") is None


def test_a_second_press_finds_the_work_that_runs() -> None:
    tasks, go_on = Tasks(), threading.Event()
    first = tasks.start("once", lambda task: go_on.wait(PATIENCE) and None)
    again = tasks.start("once", lambda task: task.results.append("twice"))
    other = finished(tasks.start("other", lambda task: task.step()))
    assert again is first
    assert other.state == "done"
    tasks.forget("once")
    assert tasks.latest("once") is first, "what runs is not forgotten"
    go_on.set()
    assert finished(first).results == []


def test_stop_ends_it_at_the_next_step_and_keeps_what_is_done() -> None:
    tasks, begun, go_on = Tasks(), threading.Event(), threading.Event()

    def work(task: Task) -> None:
        task.results.append("kept")
        begun.set()
        go_on.wait(PATIENCE)
        task.step(share=0.5)
        task.results.append("not reached")

    task = tasks.start("stopped", work)
    assert begun.wait(PATIENCE)
    task.stop()
    go_on.set()
    assert finished(task).state == "stopped"
    assert task.results == ["kept"]


def test_what_goes_wrong_is_a_sentence() -> None:
    tasks = Tasks()

    def refused(task: Task) -> None:
        raise BadInput("the name is empty; give one")

    def broken(task: Task) -> None:
        raise ZeroDivisionError("a secret")

    assert finished(tasks.start("refused", refused)).error == "the name is empty; give one"
    task = finished(tasks.start("broken", broken))
    assert (task.state, task.error) == (
        "failed",
        "an error that nobody foresaw; the server's log has it",
    )


def test_closing_ends_everything() -> None:
    tasks = Tasks()

    def work(task: Task) -> None:
        while True:
            task.step()

    running = [tasks.start(name, work) for name in "ab"]
    tasks.close()
    assert [task.state for task in running] == ["stopped", "stopped"]


def test_a_server_that_ends_stops_what_the_pages_started() -> None:
    begun = threading.Event()

    def work(task: Task) -> None:
        while True:
            begun.set()
            task.step()

    task = shared_tasks().start("endless", work)
    assert begun.wait(60)
    shared_tasks.clear()
    assert task.state == "stopped"
