"""The command line of courses: `python -m courses demo`, and `python -m courses --help` for the rest."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
from collections.abc import Sequence
from typing import Any

from annals import AnnalsError, AsyncClient
from annals.toolkit import Decisions
from courses.enrolment import Course, Refused, Student, subscribe
from courses.events import types


class Courses:
    """The operations of the application."""

    def __init__(self, client: AsyncClient) -> None:
        self._decisions = Decisions(client, types)

    async def define(self, course_id: str, capacity: int) -> dict[str, Any]:
        """Defines a course."""
        done = await self._decisions.execute(lambda: Course(course_id), lambda course: course.define(capacity))
        return {"courseId": course_id, "position": done.position}

    async def change_capacity(self, course_id: str, capacity: int) -> dict[str, Any]:
        """Changes the capacity of a course."""
        done = await self._decisions.execute(lambda: Course(course_id), lambda course: course.change_capacity(capacity))
        return {"courseId": course_id, "position": done.position}

    async def subscribe(self, student_id: str, course_id: str) -> dict[str, Any]:
        """Subscribes a student to a course."""
        done = await self._decisions.execute(lambda: (Course(course_id), Student(student_id)), subscribe)
        return {"courseId": course_id, "studentId": student_id, "position": done.position}

    async def unsubscribe(self, student_id: str, course_id: str) -> dict[str, Any]:
        """Unsubscribes a student from a course."""
        done = await self._decisions.execute(lambda: Course(course_id), lambda course: course.unsubscribe(student_id))
        return {"courseId": course_id, "studentId": student_id, "position": done.position}

    async def show(self, course_id: str) -> dict[str, Any]:
        """Returns the current state of a course."""
        course = await self._decisions.load(lambda: Course(course_id))
        capacity = course.demand_defined()
        return {"courseId": course_id, "capacity": capacity, "students": sorted(course.students)}


def line(value: Any) -> str:
    """Formats a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def say(text: str) -> None:
    """Prints a line."""
    print(text, flush=True)


async def demo(courses: Courses) -> None:
    """Ten students compete for the three places of a course, all at once."""
    course_id = f"demo-{secrets.token_hex(4)}"
    say(f"a course with three places: {line(await courses.define(course_id, 3))}")

    async def run_for_it(student_id: str) -> None:
        try:
            say(f"{student_id}: {line(await courses.subscribe(student_id, course_id))}")
        except Refused as refused:
            say(f"{student_id}: refused, {refused} ({refused.code})")

    await asyncio.gather(*(run_for_it(f"{course_id}-s{nth}") for nth in range(10)))
    shown = await courses.show(course_id)
    say(f"now: {line(shown)}")
    say(f"the first gives the place back: {line(await courses.unsubscribe(shown['students'][0], course_id))}")
    await run_for_it(f"{course_id}-late")
    say(f"now: {line(await courses.show(course_id))}")


async def run(options: argparse.Namespace) -> None:
    """Executes the command-line action."""
    async with AsyncClient(options.endpoint) as client:
        courses = Courses(client)
        match options.action:
            case "define":
                say(line(await courses.define(options.course, options.capacity)))
            case "change-capacity":
                say(line(await courses.change_capacity(options.course, options.capacity)))
            case "subscribe":
                say(line(await courses.subscribe(options.student, options.course)))
            case "unsubscribe":
                say(line(await courses.unsubscribe(options.student, options.course)))
            case "show":
                say(line(await courses.show(options.course)))
            case "demo":
                await demo(courses)


def arguments() -> argparse.ArgumentParser:
    """Returns the command-line parser."""

    def capacity(text: str) -> int:
        number = int(text)
        if number < 0:
            raise ValueError(text)
        return number

    parser = argparse.ArgumentParser(prog="courses", description="Enrolment in courses, kept in Annals.")
    endpoint = os.environ.get("ANNALS_ENDPOINT", "http://127.0.0.1:2113")
    parser.add_argument("--endpoint", default=endpoint, help="endpoint of the server (ANNALS_ENDPOINT)")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, text in (("define", "define a course"), ("change-capacity", "change the capacity of a course")):
        action = actions.add_parser(name, help=text)
        action.add_argument("course", help="the course's id")
        action.add_argument("capacity", type=capacity, help="maximum number of students, 0 or more")
    for name, text in (("subscribe", "subscribe a student to a course"), ("unsubscribe", "unsubscribe a student")):
        action = actions.add_parser(name, help=text)
        action.add_argument("student", help="the student's id")
        action.add_argument("course", help="the course's id")
    actions.add_parser("show", help="show a course").add_argument("course", help="the course's id")
    actions.add_parser("demo", help="ten students compete for three places")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Runs the command line. Returns 0, 1 if the store failed, or 2 if a rule rejected the command."""
    try:
        asyncio.run(run(arguments().parse_args(given)))
    except Refused as refused:
        print(f"error: {refused} ({refused.code})", file=sys.stderr)
        return 2
    except AnnalsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
