"""The example application for courses: its rules without a server, and its command line against one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annals import AsyncClient
from annals.testing import Server, given, record
from annals.toolkit import To
from courses.__main__ import Courses, main
from courses.enrolment import Course, Refused, Student, subscribe
from courses.events import (
    CourseCapacityChanged,
    CourseDefined,
    StudentSubscribedToCourse,
    StudentUnsubscribedFromCourse,
    types,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

DEFINED = CourseDefined("c1", 2)
TAKEN = StudentSubscribedToCourse("s1", "c1")
LEFT = StudentUnsubscribedFromCourse("s1", "c1")


def models() -> tuple[Course, Student]:
    return Course("c1"), Student("s1")


def code(model: object, events: tuple[object, ...], decide: Callable[[Any], Any]) -> str:
    outcome = given(model, *events, types=types).when(decide)
    outcome.then_raises(Refused)
    assert isinstance(outcome.error, Refused)
    return outcome.error.code


def test_a_course_is_defined_once_and_its_capacity_changed() -> None:
    given(Course("c1"), types=types).when(lambda course: course.define(2)).then(To("course-c1", DEFINED))
    other = CourseDefined("c2", 2)
    given(Course("c1"), other, types=types).when(lambda course: course.define(2)).then(To("course-c1", DEFINED))
    assert code(Course("c1"), (DEFINED,), lambda course: course.define(2)) == "course_exists"
    given(Course("c1"), DEFINED, types=types).when(lambda course: course.change_capacity(3)).then(
        To("course-c1", CourseCapacityChanged("c1", 3))
    )
    changed = (DEFINED, CourseCapacityChanged("c1", 3))
    assert code(Course("c1"), changed, lambda course: course.change_capacity(3)) == "capacity_unchanged"
    assert code(Course("c1"), (), lambda course: course.change_capacity(3)) == "course_not_found"


@pytest.mark.parametrize(
    ("events", "refused"),
    [
        ((), "course_not_found"),
        ((DEFINED, TAKEN), "already_subscribed"),
        ((CourseDefined("c1", 1), TAKEN), "already_subscribed"),
        ((CourseDefined("c1", 0),), "course_full"),
        ((DEFINED, *(StudentSubscribedToCourse(f"s{n}", "c1") for n in (2, 3))), "course_full"),
        ((DEFINED, *(StudentSubscribedToCourse("s1", f"d{n}") for n in range(5))), "too_many_courses"),
    ],
)
def test_subscriptions_that_are_rejected(events: tuple[object, ...], refused: str) -> None:
    assert code(models(), events, subscribe) == refused


@pytest.mark.parametrize(
    "events",
    [
        (DEFINED,),
        (DEFINED, TAKEN, LEFT),
        (DEFINED, StudentSubscribedToCourse("s2", "c1")),
        (CourseDefined("c1", 0), CourseCapacityChanged("c1", 1)),
        (DEFINED, *(StudentSubscribedToCourse("s1", f"d{n}") for n in range(4))),
        (DEFINED, *(StudentSubscribedToCourse("s2", f"d{n}") for n in range(5))),
    ],
)
def test_subscriptions_that_are_allowed(events: tuple[object, ...]) -> None:
    given(models(), *events, types=types).when(subscribe).then(To("enrolment-c1-s1", TAKEN))


def test_students_can_unsubscribe() -> None:
    def leave(course: Course) -> list[To]:
        return course.unsubscribe("s1")

    given(Course("c1"), DEFINED, TAKEN, types=types).when(leave).then(To("enrolment-c1-s1", LEFT))
    assert code(Course("c1"), (), leave) == "course_not_found"
    assert code(Course("c1"), (DEFINED, TAKEN, LEFT), leave) == "not_subscribed"


def test_events_are_stored_as_in_other_languages() -> None:
    events = record(types, DEFINED, CourseCapacityChanged("c1", 3), TAKEN, LEFT)
    assert [(event.type, event.data.decode(), event.tags) for event in events] == [
        ("CourseDefined", '{"courseId":"c1","capacity":2}', ("course:c1",)),
        ("CourseCapacityChanged", '{"courseId":"c1","newCapacity":3}', ("course:c1",)),
        ("StudentSubscribedToCourse", '{"studentId":"s1","courseId":"c1"}', ("student:s1", "course:c1")),
        ("StudentUnsubscribedFromCourse", '{"studentId":"s1","courseId":"c1"}', ("student:s1", "course:c1")),
    ]


async def test_capacities_and_limits_are_never_exceeded(client: AsyncClient, name: str) -> None:
    """Ten students compete for three places in each of eight courses, all at once."""
    courses = Courses(client)
    ids = [f"{name}-c{n}" for n in range(8)]
    for course_id in ids:
        await courses.define(course_id, 3)

    async def run_for_it(course_id: str, student_id: str) -> str:
        try:
            await courses.subscribe(student_id, course_id)
        except Refused as refused:
            return refused.code
        return "subscribed"

    chances = [(course_id, f"{name}-s{n}") for n in range(10) for course_id in ids]
    outcomes = []
    for start in range(0, len(chances), 8):
        outcomes += await asyncio.gather(*(run_for_it(*chance) for chance in chances[start : start + 8]))
    assert set(outcomes) == {"subscribed", "course_full", "too_many_courses"}
    shown = [await courses.show(course_id) for course_id in ids]
    assert [len(one["students"]) for one in shown] == [3] * 8
    taken = [student for one in shown for student in one["students"]]
    assert outcomes.count("subscribed") == len(taken) == 24
    assert max(map(taken.count, taken)) == 5


def test_a_course_on_the_command_line(annals_endpoint: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    def courses(*arguments: str) -> Any:
        assert main(["--endpoint", annals_endpoint, *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    course, student = f"{name}-c", f"{name}-s"
    assert courses("define", course, "1")["courseId"] == course
    assert courses("change-capacity", course, "2")["courseId"] == course
    subscribed = courses("subscribe", student, course)
    assert subscribed == {"courseId": course, "studentId": student, "position": subscribed["position"]}
    assert courses("show", course) == {"courseId": course, "capacity": 2, "students": [student]}
    assert main(["--endpoint", annals_endpoint, "subscribe", student, course]) == 2
    assert capsys.readouterr() == ("", f"error: student {student} takes course {course} already (already_subscribed)\n")
    courses("unsubscribe", student, course)
    assert courses("show", course)["students"] == []


def test_the_demo_gives_three_places_to_ten_students() -> None:
    with Server("memory") as server:
        command = [sys.executable, "-W", "error", "-m", "courses", "--endpoint", server.endpoint, "demo"]
        ran = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("(course_full)") == 7
