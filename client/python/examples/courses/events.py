"""The events of courses and students. Names, fields and tags are the same in all languages."""

from __future__ import annotations

from dataclasses import dataclass

from annals.toolkit import EventTypes

types = EventTypes(camel_case=True)


def course_tag(course_id: str) -> str:
    """Returns the tag of all events of a course."""
    return f"course:{course_id}"


def student_tag(student_id: str) -> str:
    """Returns the tag of all events of a student."""
    return f"student:{student_id}"


@types.register(tags=lambda event: [course_tag(event.course_id)])
@dataclass(frozen=True)
class CourseDefined:
    """A course was defined."""

    course_id: str
    capacity: int


@types.register(tags=lambda event: [course_tag(event.course_id)])
@dataclass(frozen=True)
class CourseCapacityChanged:
    """The capacity of a course was changed."""

    course_id: str
    new_capacity: int


@types.register(tags=lambda event: [student_tag(event.student_id), course_tag(event.course_id)])
@dataclass(frozen=True)
class StudentSubscribedToCourse:
    """A student subscribed to a course."""

    student_id: str
    course_id: str


@types.register(tags=lambda event: [student_tag(event.student_id), course_tag(event.course_id)])
@dataclass(frozen=True)
class StudentUnsubscribedFromCourse:
    """A student unsubscribed from a course."""

    student_id: str
    course_id: str
