"""The domain of the toolkit's tests: orders, and enrolment in courses."""

from dataclasses import dataclass, field
from decimal import Decimal

from annals import Query
from annals.toolkit import EventTypes, To

types = EventTypes()


class RuleBroken(Exception):
    pass


@types.register("OrderCreated", version=2, tags=lambda event: [f"customer:{event.customer}"])
@dataclass(frozen=True)
class OrderCreated:
    customer: str
    currency: str = "EUR"


@types.upcast("OrderCreated", from_version=1)
def _(data: dict) -> dict:
    return {"customer": data["customer_name"], "currency": "EUR"}


@types.register()
@dataclass(frozen=True)
class ItemAdded:
    item: str
    price: Decimal
    count: int = 1


@types.register()
@dataclass(frozen=True)
class OrderConfirmed:
    pass


types.renamed("OrderAccepted", "OrderConfirmed")


@types.register()
@dataclass(frozen=True)
class ShipmentPrepared:
    order: str


OrderEvent = OrderCreated | ItemAdded | OrderConfirmed


@dataclass
class Order:
    customer: str | None = None
    total: Decimal = Decimal(0)
    items: dict[str, int] = field(default_factory=dict)
    confirmed: bool = False

    def apply(self, event: OrderEvent) -> None:
        match event:
            case OrderCreated(customer):
                self.customer = customer
            case ItemAdded(item, price, count):
                self.items[item] = self.items.get(item, 0) + count
                self.total += price * count
            case OrderConfirmed():
                self.confirmed = True

    def create(self, customer: str) -> list[OrderEvent]:
        if self.customer is not None:
            raise RuleBroken("the order exists")
        return [OrderCreated(customer)]

    def add(self, item: str, price: Decimal) -> list[OrderEvent]:
        if self.confirmed:
            raise RuleBroken("a confirmed order takes no items")
        return [ItemAdded(item, price)]

    def confirm(self) -> list[OrderEvent]:
        if not self.items:
            raise RuleBroken("an empty order can't be confirmed")
        return [] if self.confirmed else [OrderConfirmed()]


@types.register(tags=lambda event: [f"course:{event.course}"])
@dataclass(frozen=True)
class CourseOffered:
    course: str
    capacity: int


@types.register(tags=lambda event: [f"course:{event.course}", f"student:{event.student}"])
@dataclass(frozen=True)
class StudentEnrolled:
    course: str
    student: str


@dataclass
class Course:
    id: str
    capacity: int = 0
    students: set[str] = field(default_factory=set)

    @property
    def query(self) -> Query:
        return types.query(CourseOffered, StudentEnrolled, tags=f"course:{self.id}")

    def apply(self, event: CourseOffered | StudentEnrolled) -> None:
        match event:
            case CourseOffered(_, capacity):
                self.capacity = capacity
            case StudentEnrolled(_, student):
                self.students.add(student)


@dataclass
class Student:
    id: str
    courses: int = 0

    @property
    def query(self) -> Query:
        return types.query(StudentEnrolled, tags=f"student:{self.id}")

    def apply(self, event: StudentEnrolled) -> None:
        self.courses += 1


def enrol(models: tuple[Course, Student]) -> list[To]:
    course, student = models
    if student.id in course.students:
        return []
    if len(course.students) >= course.capacity:
        raise RuleBroken("the course is full")
    if student.courses >= 2:
        raise RuleBroken("the student has two courses")
    return [To(f"course-{course.id}", StudentEnrolled(course.id, student.id))]


class Shipment:
    def __init__(self) -> None:
        self.prepared = 0

    def apply(self, event: ShipmentPrepared) -> None:
        self.prepared += 1
