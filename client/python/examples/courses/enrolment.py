"""Two decision models, and the decisions that rest on one or on both of them. Nothing here reads or writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from annals import Query
from annals.toolkit import To
from courses.facts import (
    CourseCapacityChanged,
    CourseDefined,
    StudentSubscribedToCourse,
    StudentUnsubscribedFromCourse,
    course_tag,
    student_tag,
    types,
)

COURSES_MAX = 5
"""How many courses a student may take."""


class Refused(Exception):
    """A rule does not allow it.

    Attributes:
        code: Which rule, the same in every language.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass
class Course:
    """A course, and who takes it; without a capacity if it is not defined."""

    course_id: str
    capacity: int | None = None
    students: set[str] = field(default_factory=set)

    @property
    def query(self) -> Query:
        """All events of the course."""
        return types.query(tags=course_tag(self.course_id))

    def apply(self, fact: object) -> None:
        """Takes over what happened."""
        match fact:
            case CourseDefined(_, capacity) | CourseCapacityChanged(_, capacity):
                self.capacity = capacity
            case StudentSubscribedToCourse(student_id):
                self.students.add(student_id)
            case StudentUnsubscribedFromCourse(student_id):
                self.students.discard(student_id)

    def demand_defined(self) -> int:
        """Its capacity, if it is defined."""
        if self.capacity is None:
            raise Refused("course_not_found", f"there is no course {self.course_id}; define it first")
        return self.capacity

    def define(self, capacity: int) -> list[To]:
        """Makes it."""
        if self.capacity is not None:
            raise Refused("course_exists", f"course {self.course_id} exists already")
        return [To(self._stream, CourseDefined(self.course_id, capacity))]

    def change_capacity(self, capacity: int) -> list[To]:
        """Has it take another number of students; those that take it already go on to."""
        if self.demand_defined() == capacity:
            raise Refused("capacity_unchanged", f"course {self.course_id} has a capacity of {capacity} already")
        return [To(self._stream, CourseCapacityChanged(self.course_id, capacity))]

    def unsubscribe(self, student_id: str) -> list[To]:
        """Has a student take it no more; that needs no look at the student's other courses."""
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
    """A student's courses."""

    student_id: str
    courses: set[str] = field(default_factory=set)

    @property
    def query(self) -> Query:
        """The student's subscriptions."""
        return types.query(StudentSubscribedToCourse, StudentUnsubscribedFromCourse, tags=student_tag(self.student_id))

    def apply(self, fact: StudentSubscribedToCourse | StudentUnsubscribedFromCourse) -> None:
        """Takes over what happened."""
        match fact:
            case StudentSubscribedToCourse(_, course_id):
                self.courses.add(course_id)
            case StudentUnsubscribedFromCourse(_, course_id):
                self.courses.discard(course_id)


def subscribe(models: tuple[Course, Student]) -> list[To]:
    """Has the student take the course."""
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
