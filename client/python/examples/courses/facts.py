"""What can happen to courses and students. The names, fields and tags are those that every language stores and reads."""

from __future__ import annotations

from dataclasses import dataclass

from annals.toolkit import EventTypes

types = EventTypes(camel_case=True)


def course_tag(course_id: str) -> str:
    """What all events of a course bear."""
    return f"course:{course_id}"


def student_tag(student_id: str) -> str:
    """What all events of a student bear."""
    return f"student:{student_id}"


@types.register(tags=lambda fact: [course_tag(fact.course_id)])
@dataclass(frozen=True)
class CourseDefined:
    """There is a course."""

    course_id: str
    capacity: int


@types.register(tags=lambda fact: [course_tag(fact.course_id)])
@dataclass(frozen=True)
class CourseCapacityChanged:
    """It takes another number of students."""

    course_id: str
    new_capacity: int


@types.register(tags=lambda fact: [student_tag(fact.student_id), course_tag(fact.course_id)])
@dataclass(frozen=True)
class StudentSubscribedToCourse:
    """A student takes it."""

    student_id: str
    course_id: str


@types.register(tags=lambda fact: [student_tag(fact.student_id), course_tag(fact.course_id)])
@dataclass(frozen=True)
class StudentUnsubscribedFromCourse:
    """A student does not take it any more."""

    student_id: str
    course_id: str
