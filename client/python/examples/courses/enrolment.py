"""Two decision models, and the decisions that depend on one or both of them. This module does no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from annals import Query
from annals.toolkit import To
from courses.events import (
    CourseCapacityChanged,
    CourseDefined,
    StudentSubscribedToCourse,
    StudentUnsubscribedFromCourse,
    course_tag,
    student_tag,
    types,
)

COURSES_MAX = 5
"""Maximum number of courses per student."""


class Refused(Exception):
    """A rule rejects the command.

    Attributes:
        code: The code of the rule, the same in all languages.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass
class Course:
    """A course and its students. It has no capacity until it is defined."""

    course_id: str
    capacity: int | None = None
    students: set[str] = field(default_factory=set)

    @property
    def query(self) -> Query:
        """The query for all events of the course."""
        return types.query(tags=course_tag(self.course_id))

    def apply(self, event: object) -> None:
        """Updates the course with an event."""
        match event:
            case CourseDefined(_, capacity) | CourseCapacityChanged(_, capacity):
                self.capacity = capacity
            case StudentSubscribedToCourse(student_id):
                self.students.add(student_id)
            case StudentUnsubscribedFromCourse(student_id):
                self.students.discard(student_id)

    def demand_defined(self) -> int:
        """Returns the capacity, or rejects the command if the course is not defined."""
        if self.capacity is None:
            raise Refused("course_not_found", f"there is no course {self.course_id}; define it first")
        return self.capacity

    def define(self, capacity: int) -> list[To]:
        """Defines the course."""
        if self.capacity is not None:
            raise Refused("course_exists", f"course {self.course_id} exists already")
        return [To(self._stream, CourseDefined(self.course_id, capacity))]

    def change_capacity(self, capacity: int) -> list[To]:
        """Changes the capacity. Students who already take the course keep their places."""
        if self.demand_defined() == capacity:
            raise Refused("capacity_unchanged", f"course {self.course_id} has a capacity of {capacity} already")
        return [To(self._stream, CourseCapacityChanged(self.course_id, capacity))]

    def unsubscribe(self, student_id: str) -> list[To]:
        """Unsubscribes a student. This does not depend on the student's other courses."""
        self.demand_defined()
        if student_id not in self.students:
            raise Refused("not_subscribed", f"student {student_id} does not take course {self.course_id}")
        stream = _enrolment(self.course_id, student_id)
        return [To(stream, StudentUnsubscribedFromCourse(student_id, self.course_id))]

    @property
    def _stream(self) -> str:
        return f"course-{self.course_id}"


@dataclass
class Student:
    """The courses of a student."""

    student_id: str
    courses: set[str] = field(default_factory=set)

    @property
    def query(self) -> Query:
        """The query for the student's subscriptions."""
        return types.query(StudentSubscribedToCourse, StudentUnsubscribedFromCourse, tags=student_tag(self.student_id))

    def apply(self, event: StudentSubscribedToCourse | StudentUnsubscribedFromCourse) -> None:
        """Updates the student with an event."""
        match event:
            case StudentSubscribedToCourse(_, course_id):
                self.courses.add(course_id)
            case StudentUnsubscribedFromCourse(_, course_id):
                self.courses.discard(course_id)


def subscribe(models: tuple[Course, Student]) -> list[To]:
    """Subscribes the student to the course."""
    course, student = models
    capacity = course.demand_defined()
    if student.student_id in course.students:
        raise Refused("already_subscribed", f"student {student.student_id} takes course {course.course_id} already")
    if len(course.students) >= capacity:
        raise Refused("course_full", f"course {course.course_id} is full: it takes {capacity}")
    if len(student.courses) >= COURSES_MAX:
        raise Refused("too_many_courses", f"student {student.student_id} takes {COURSES_MAX} courses already")
    return [
        To(
            _enrolment(course.course_id, student.student_id),
            StudentSubscribedToCourse(student.student_id, course.course_id),
        )
    ]


def _enrolment(course_id: str, student_id: str) -> str:
    return f"enrolment-{course_id}-{student_id}"
