"""The test kit, event types and metadata, without a server."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID, uuid4

import pytest

from annals import Event
from annals.testing import given, record
from annals.toolkit import EventTypes, To, UnknownEventType, UnreadableEvent, codec, metadata

from .domain import (
    Course,
    CourseOffered,
    ItemAdded,
    Order,
    OrderConfirmed,
    OrderCreated,
    RuleBroken,
    Student,
    StudentEnrolled,
    enrol,
    types,
)

BOOK = ItemAdded("book", Decimal("9.90"))


def test_an_order_is_confirmed_once() -> None:
    given(Order(), OrderCreated("ada"), BOOK).when(lambda order: order.confirm()).then(OrderConfirmed())
    given(Order(), BOOK, OrderConfirmed(), types=types).when(lambda order: order.confirm()).then()
    given(Order(), OrderCreated("ada")).when(lambda order: order.confirm()).then_raises(RuleBroken, match="empty")


def test_a_course_does_not_exceed_its_capacity() -> None:
    events = [CourseOffered("c1", 1), CourseOffered("c2", 5)]

    def models() -> tuple[Course, Student]:
        return Course("c1"), Student("s1")

    given(models(), *events, types=types).when(enrol).then(To("course-c1", StudentEnrolled("c1", "s1")))
    full = StudentEnrolled("c1", "s2")
    given(models(), *events, full, types=types).when(enrol).then_raises(RuleBroken, match="full")
    other = StudentEnrolled("c2", "s2")
    given(models(), *events, other, types=types).when(enrol).then(To("course-c1", StudentEnrolled("c1", "s1")))


@pytest.mark.parametrize(
    "check",
    [
        lambda outcome: outcome.then(OrderConfirmed(), OrderConfirmed()),
        lambda outcome: outcome.then(),
        lambda outcome: outcome.then_raises(RuleBroken),
    ],
)
def test_a_wrong_expectation_fails(check) -> None:
    with pytest.raises(AssertionError):
        check(given(Order(), BOOK).when(lambda order: order.confirm()))
    refused = given(Order()).when(lambda order: order.confirm())
    with pytest.raises(AssertionError):
        refused.then_raises(RuleBroken, match="full")
    with pytest.raises(AssertionError):
        refused.then_raises(KeyError)


def test_events_are_decoded_as_they_were_encoded() -> None:
    given_events = [OrderCreated("ada", "USD"), ItemAdded("book", Decimal("0.10"), 3), OrderConfirmed()]
    events = record(types, *given_events, stream="order-1")
    assert [types.decode(event) for event in events] == given_events
    assert [(event.stream, event.revision, event.position) for event in events] == [
        ("order-1", n, n + 1) for n in range(3)
    ]
    assert events[0].tags == ("customer:ada",)
    assert events[0].json_metadata() == {"schemaVersion": 2}
    assert events[2].metadata == b""


def test_old_versions_are_upcast() -> None:
    [event] = record(types, OrderCreated("ada"))
    old = event._replace(data=b'{"customer_name":"bob"}', metadata=b"")
    assert types.decode(old) == OrderCreated("bob", "EUR")
    renamed = event._replace(type="OrderAccepted", data=b"{}", metadata=b"")
    assert types.decode(renamed) == OrderConfirmed()
    assert "OrderAccepted" in types.names_of(OrderConfirmed)
    assert "OrderAccepted" in types.query(OrderConfirmed).items[0].types


def test_unreadable_events_are_reported_with_the_reason() -> None:
    [event] = record(types, OrderCreated("ada"))
    with pytest.raises(UnknownEventType, match="not registered"):
        types.decode(event._replace(type="Else"))
    with pytest.raises(UnknownEventType, match="newer than version 2"):
        types.decode(event._replace(metadata=b'{"schemaVersion":3}'))
    for data in (b"{}", b"[]", b"no json", b'{"customer":7}'):
        with pytest.raises(UnreadableEvent, match="position 1"):
            types.decode(event._replace(data=data))
    with pytest.raises(TypeError, match="not registered"):
        types.encode(object())
    with pytest.raises(ValueError, match="already"):
        types.register("OrderCreated")(type("Other", (), {}))


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Everything:
    id: UUID
    price: Decimal
    at: datetime
    on: date
    took: timedelta
    colour: Colour
    raw: bytes
    pair: tuple[int, str]
    many: tuple[int, ...]
    tags: frozenset[str]
    by_name: dict[str, list[int]]
    inner: "Inner | None" = None
    ratio: float = 1.0
    either: int | str = 0
    new: str = "default"


@dataclass(frozen=True)
class Inner:
    value: int = 0
    others: list["Inner"] = field(default_factory=list)


def test_the_codec_supports_the_usual_types() -> None:
    value = Everything(
        uuid4(),
        Decimal("1.10"),
        datetime(2026, 1, 1, 12, 30, 0, 1, tzinfo=UTC),
        date(2026, 2, 3),
        timedelta(seconds=90.5),
        Colour.RED,
        b"\x00\xff",
        (1, "a"),
        (1, 2, 3),
        frozenset({"x", "y"}),
        {"a": [1, 2]},
        Inner(1, [Inner(2)]),
        2,
        "text",
    )
    data = json.loads(json.dumps(codec.to_json(value)))
    assert codec.from_json(Everything, data) == value
    data.pop("new")
    data["unknown"] = 1
    assert codec.from_json(Everything, data).new == "default"
    with pytest.raises(ValueError, match="Everything"):
        codec.from_json(Everything, {"id": "x"})
    with pytest.raises(TypeError, match="no JSON form"):
        codec.to_json({"x": object()})


@dataclass(frozen=True)
class ItemPriced:
    sku: str
    unit_price_cents: int
    other_prices: tuple["ItemPriced", ...] = ()
    by_shop_name: dict[str, int] = field(default_factory=dict)


def test_events_for_other_languages_are_in_camel_case() -> None:
    shared = EventTypes(camel_case=True)
    shared.register()(ItemPriced)
    priced = ItemPriced("tea", 450, (ItemPriced("pot", 900),), {"my_shop": 1})
    [event] = record(shared, priced)
    assert event.json() == {
        "sku": "tea",
        "unitPriceCents": 450,
        "otherPrices": [{"sku": "pot", "unitPriceCents": 900, "otherPrices": [], "byShopName": {}}],
        "byShopName": {"my_shop": 1},
    }
    assert shared.decode(event) == priced
    with pytest.raises(UnreadableEvent):
        shared.decode(event._replace(data=b'{"sku":"tea","unit_price_cents":450}'))
    query = shared.query(stream_prefixes="order-")
    assert query.matches(event._replace(stream="order-1"))
    assert not query.matches(event)


def test_empty_data_decodes_to_an_event_without_fields() -> None:
    [event] = record(types, OrderConfirmed())
    assert types.decode(event._replace(data=b"")) == OrderConfirmed()


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_metadata_flow_from_command_to_event_to_reaction() -> None:
    with metadata.context(user_id="ada", correlation_id="c1", traceparent=TRACE, tracestate="v=1"):
        event = metadata.stamp(Event.json("A", {}, metadata={"own": 1, "userId": "eve"}))
    assert metadata.current() == metadata.Context()
    said = json.loads(event.metadata)
    assert said["correlationId"] == "c1"
    assert (said["userId"], said["own"]) == ("eve", 1)
    assert said["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert said["traceparent"].split("-")[2] != TRACE.split("-")[2]
    assert said["tracestate"] == "v=1"
    [recorded] = record(types, OrderConfirmed())
    with metadata.reacting_to(recorded._replace(metadata=event.metadata)) as now:
        assert (now.correlation_id, now.causation_id, now.user_id) == ("c1", str(recorded.id), "eve")
        follow_up = json.loads(metadata.stamp(Event("B")).metadata)
        assert follow_up["traceparent"].split("-")[1] == TRACE.split("-")[1]


def test_a_command_begins_a_correlation() -> None:
    said = json.loads(metadata.stamp(Event("A")).metadata)
    assert set(said) == {"correlationId"}
    assert metadata.stamp(Event("A", metadata=b"\x00")).metadata == b"\x00"
    with metadata.context(traceparent="garbage"):
        assert "traceparent" not in json.loads(metadata.stamp(Event("A")).metadata)


def test_the_span_of_opentelemetry_is_taken() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    with TracerProvider().get_tracer("test").start_as_current_span("request") as span:
        said = json.loads(metadata.stamp(Event("A")).metadata)
        here = span.get_span_context()
        assert said["traceparent"].startswith(f"00-{here.trace_id:032x}-{here.span_id:016x}-")


def test_pydantic_models_convert_themselves() -> None:
    import pydantic

    class Paid(pydantic.BaseModel):
        at: datetime
        total: Decimal

    paid_types = EventTypes()
    paid_types.register()(Paid)
    paid = Paid(at=datetime(2026, 1, 1, tzinfo=UTC), total=Decimal("1.10"))
    [event] = record(paid_types, paid)
    assert event.json()["total"] == "1.10"
    assert paid_types.decode(event) == paid
    with pytest.raises(UnreadableEvent):
        paid_types.decode(event._replace(data=b"{}"))


def test_a_reaction_gives_its_commands_the_same_ids_each_time() -> None:
    [event] = record(types, OrderConfirmed())

    def ids(process: str) -> list[UUID]:
        with metadata.reacting_to(event, process) as now:
            assert now.reaction is not None
            return [now.reaction.next_command(stream) for stream in ("a", "a", "b")]

    assert ids("shipping") == ids("shipping")
    assert len({*ids("shipping"), *ids("billing")}) == 6


def test_types_are_kept_apart() -> None:
    other = EventTypes()
    assert "OrderCreated" not in other
    with pytest.raises(ValueError, match="no event type"):
        other.query()
