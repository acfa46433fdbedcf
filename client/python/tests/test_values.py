"""Values that are easily altered in transit: each is stored unchanged, or rejected with its location."""

import array
import json
import math
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import uuid4

import pytest

from annals import (
    AsyncClient,
    Event,
    Expected,
    NoMatch,
    Query,
    RecordedEvent,
    Retention,
    StreamIs,
    Write,
    errors,
)
from annals.toolkit import EventTypes, Repository, UnknownEventType, UnreadableEvent


class Colour(StrEnum):
    RED = "red"


class Plain(Enum):
    ONE = 1


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def recorded(
    data: bytes, metadata: bytes = b"", type: str = "Odd", content_type: str = "application/json"
) -> RecordedEvent:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return RecordedEvent(uuid4(), "s-1", 2, 3, type, data, metadata, (), at, content_type)


def itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


REFUSED: dict[str, tuple[Any, str]] = {
    "NaN": (math.nan, "data is nan"),
    "infinity": ({"a": [1, math.inf]}, r"data\.a\[1\] is inf"),
    "minus infinity": ([-math.inf], r"data\[0\] is -inf"),
    "1e400": (float("1e400"), "data is inf"),
    "lone surrogate": ({"a b": "x\ud800"}, r"data\['a b'\] has a lone surrogate"),
    "lone surrogate in a key": ({"a": {"\udc00": 1}}, r"data\.a has the key '\\udc00'"),
    "bytes": ({"a": b"\x01"}, r"data\.a is of type bytes"),
    "array": ({"a": array.array("d", [1.5])}, r"data\.a is of type array"),
    "datetime": ([datetime(2026, 1, 1, tzinfo=UTC)], r"data\[0\] is of type datetime"),
    "date": ([date(2026, 1, 1)], r"data\[0\] is of type date"),
    "decimal": ([Decimal("1.5")], r"data\[0\] is of type Decimal"),
    "set": ({"a": {1}}, r"data\.a is of type set"),
    "enum": ([Plain.ONE], r"data\[0\] is of type Plain"),
    "object": ([object()], r"data\[0\] is of type object"),
    "number as a key": ({"a": [{1: "b"}]}, r"data\.a\[0\] has the key 1"),
    "boolean as a key": ({True: "b"}, "data has the key True"),
    "None as a key": ({None: "b"}, "data has the key None"),
    "tuple as a key": ({(1, 2): "b"}, r"data has the key \(1, 2\)"),
    "digits": ([10**5_000], r"data\[0\] has more than"),
    "nesting of 501": (nested(501), r"data\[0\].* is nested more than 500 deep"),
    "nesting of 10,000": (nested(10_000), r"data\[0\].* is nested more than 500 deep"),
    "nesting of 10,000 in a dict": ({"a": nested(10_000)}, r"data\.a\[0\].* is nested more than 500 deep"),
    "itself": (itself(), r"data\[0\] contains itself"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_without_a_json_form_is_rejected_with_its_location(case: str) -> None:
    value, text = REFUSED[case]
    with pytest.raises(errors.InvalidValue, match=f"event 'Odd': {text}") as caught:
        Event.json("Odd", value)
    assert (caught.value.event_type, caught.value.place[:4]) == ("Odd", "data")
    with pytest.raises(errors.InvalidValue, match="event 'Odd': " + text.replace("data", "metadata")):
        Event.json("Odd", {}, metadata=value)


KEPT: list[Any] = [
    -0.0,
    2**53 + 1,
    -(2**63),
    10**400,
    1e308,
    5e-324,
    0.1 + 0.2,
    "",
    "Zoë \U0001f600 \x00 \u2028",
    {"": None, "a": [True, False, None, {"b": []}]},
    nested(500),
    "\ufeff",
]


@pytest.mark.parametrize("value", KEPT, ids=lambda value: repr(value)[:20])
def test_a_value_with_a_json_form_is_kept(value: Any) -> None:
    data = Event.json("Odd", value).data
    again = recorded(data).json()
    assert again == value
    assert type(again) is type(value)
    assert str(again) == str(value)


def test_related_types_are_encoded_as_the_closest_json_type() -> None:
    assert Event.json("Odd", (1, Colour.RED, OrderedDict(a=(2,)))).data == b'[1,"red",{"a":[2]}]'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "it is empty"),
        (b"{", "Expecting property name"),
        (b"NaN", "NaN is not JSON"),
        (b'{"a":[-Infinity]}', "-Infinity is not JSON"),
        (b"1e400", "the number 1e400 is too large"),
        (b"[-1.5E+999]", "the number -1.5E[+]999 is too large"),
        (b'"\xff"', "utf-8"),
        (b'"\xed\xa0\x80"', "utf-8"),
        (b"1" * 5_000, "4300 digits"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_data_that_is_not_json_is_an_error_that_names_the_event(data: bytes, text: str) -> None:
    event = r'the data of event "Odd" at revision 2 of stream "s-1" \(position 3\)'
    with pytest.raises(errors.UnreadableEvent, match=f"{event} is not the expected JSON: .*{text}") as caught:
        recorded(data).json()
    assert caught.value.event.data == data
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json ;x=y",
        "Application/JSON",
        "application/vnd.acme.order+json",
        "application/cloudevents+json; charset=utf-8",
    ],
)
def test_data_of_a_json_content_type_is_decoded(content_type: str) -> None:
    assert recorded(b'{"value":1}', content_type=content_type).json() == {"value": 1}
    event = recorded(b'{"value":1}', b'{"schemaVersion":2}', "Measured", content_type)
    assert make_types().decode(event) == Measured(1)


@pytest.mark.parametrize(
    "content_type",
    ["application/protobuf", "text/plain; format=+json", "application/jsonl", "application/json-seq", "json", "+jsonp"],
)
@pytest.mark.parametrize("data", [b'{"value":1}', b""])
def test_data_of_another_content_type_is_not_decoded_as_json(content_type: str, data: bytes) -> None:
    text = (
        r'the data of event "Measured" at revision 2 of stream "s-1" \(position 3\) is not the expected JSON: '
        f'its content type is "{re.escape(content_type)}"; read its data as bytes'
    )
    event = recorded(data, b'{"schemaVersion":2}', "Measured", content_type)
    for decode in (event.json, lambda: make_types().decode(event)):
        with pytest.raises(errors.UnreadableEvent, match=text) as caught:
            decode()
        assert caught.value.event is event
    assert event.json_metadata() == {"schemaVersion": 2}


def test_metadata_that_is_not_json_is_empty() -> None:
    for metadata in (b"", b"{", b"[1]", b'{"a":NaN}', b'{"a":1e400}'):
        assert recorded(b"", metadata).json_metadata() == {}


def test_a_byte_order_mark_is_ignored() -> None:
    assert recorded(b'\xef\xbb\xbf{"a":1}').json() == {"a": 1}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event("A", "text"), "event 'A': data is 'text'; give bytes"),
        (Event("A", metadata={"a": 1}), "event 'A': metadata is {'a': 1}; give bytes"),
        (Event("A", array.array("d", [1.5])), "event 'A': data is array"),
        (Event(7), "type is 7; give text"),
        (Event("A\ud800"), "type is 'A.ud800', which has a lone surrogate"),
        (Event("A", tags=("a", 7)), r"tags\[1\] is 7; give text"),
        (Event.binary("A", "text", "text/plain"), "event 'A': data is 'text'; give bytes"),
        (Event("A", content_type=7), "content_type is 7; give text"),
    ],
)
async def test_an_event_with_fields_of_other_types_is_rejected(
    client: AsyncClient, name: str, event: Event, text: str
) -> None:
    with pytest.raises(errors.InvalidValue, match=text):
        await client.append(name, [event])


@pytest.mark.parametrize("expected", [True, -1, 2**64, 1.5, "no stream", "any", None])
async def test_an_invalid_expectation_lists_the_valid_ones(client: AsyncClient, name: str, expected: Any) -> None:
    text = r"expected is .*; give a revision .*Expected.ANY, Expected.NO_STREAM or Expected.STREAM_EXISTS"
    for call in (
        lambda: client.append(name, [Event("A")], expected=expected),
        lambda: client.append_to_many([Write(name, [Event("A")])], checks=[StreamIs(name, expected)]),
        lambda: client.delete_stream(name, expected=expected),
        lambda: client.tombstone_stream(name, expected=expected),
    ):
        with pytest.raises(errors.InvalidValue, match=text):
            await call()


@pytest.mark.parametrize("expected", [True, -1, "no stream"])
async def test_an_invalid_expectation_of_a_write_names_the_write(client: AsyncClient, name: str, expected: Any) -> None:
    writes = [Write(name, [Event("A")]), Write(name, [Event("A")], expected=expected)]
    with pytest.raises(errors.InvalidValue, match=r"^writes\[1\].expected is .*; give a revision"):
        await client.append_to_many(writes)


CALLS: dict[str, tuple[Any, str]] = {
    "schema_version": (
        lambda client: client.save_snapshot("s", 1, b"", schema_version="two"),
        "is 'two'; give an integer",
    ),
    "schema_version ": (lambda client: client.load_snapshot("s", schema_version=1.5), "is 1.5; give an integer"),
    "schema_version  ": (lambda client: client.load_snapshot("s", schema_version=2**32), "from 0 to 4294967295"),
    "revision": (lambda client: client.save_snapshot("s", None, b""), "is None; give an integer"),
    "keep": (lambda client: client.save_snapshot("s", 1, b"", keep="all"), "is 'all'; give an integer"),
    "data": (lambda client: client.save_snapshot("s", 1, "text"), "is 'text'; give bytes"),
    "at_or_before": (lambda client: client.load_snapshot("s", at_or_before=-1), "is -1; give an integer"),
    "from_revision": (lambda client: client.read_stream("s", from_revision=-1).collect(), "is -1; give an integer"),
    "from_position": (lambda client: client.read_all(from_position="1").collect(), "is '1'; give an integer"),
    "limit": (lambda client: client.read_all(limit=-1).collect(), "is -1; give an integer from 0 to"),
    "until": (lambda client: client.read_all(until="now").collect(), "is 'now'; give an integer"),
    "after": (lambda client: anext(client.subscribe_all(after=True)), "is True; give an integer"),
    "after_revision": (lambda client: anext(client.subscribe_stream("s", after_revision="1")), "is '1'; give"),
    "stream": (lambda client: client.append(7, [Event("A")]), "is 7; give text"),
    "stream ": (lambda client: client.append("\ud800", [Event("A")]), "lone surrogate"),
    "stream  ": (lambda client: client.read_stream("\ud800").collect(), "lone surrogate"),
    "stream   ": (lambda client: client.stream_info(None), "is None; give text"),
    "expected_version": (
        lambda client: client.set_retention("s", Retention(), expected_version="1"),
        "is '1'; give an integer",
    ),
    "max_count": (lambda client: client.set_retention("s", Retention(max_count="1")), "is '1'; give an integer"),
    "max_age": (lambda client: client.set_retention("s", Retention(max_age=3600)), "is 3600; give a timedelta"),
    "query.items": (lambda client: client.read_all(query=Query.of(types=[7])).collect(), r"\[0\].types is 7; give"),
    "time": (lambda client: client.position_at_time("now"), "is 'now'; give a datetime"),
    "writes": (lambda client: client.append_to_many([Write(7, [])]), r"\[0\].stream is 7; give text"),
    "after ": (
        lambda client: client.append_to_many([], checks=[NoMatch(Query.of(types="A"), None)]),
        "is None; give an integer",
    ),
}


@pytest.mark.parametrize("argument", CALLS)
async def test_an_argument_of_another_type_or_range_is_rejected_by_name(client: AsyncClient, argument: str) -> None:
    call, text = CALLS[argument]
    with pytest.raises(errors.InvalidValue, match=f"^{argument.strip()}.*{text}"):
        await call(client)


@dataclass
class Measured:
    value: float

    def apply(self, event: object) -> None:
        self.value = math.inf


def make_types() -> EventTypes:
    types = EventTypes()
    types.register("Measured", version=2)(Measured)
    types.upcast("Measured", from_version=1)(lambda data: data)
    return types


@pytest.mark.parametrize("version", ['"2"', "2.5", "true", "null", "[]", "0", "-1"])
def test_a_schema_version_that_is_no_number_is_an_error_that_names_the_event(version: str) -> None:
    event = recorded(b'{"value":1}', b'{"schemaVersion":%s}' % version.encode(), type="Measured")
    with pytest.raises(UnreadableEvent, match=r'the metadata of event "Measured" .*\(position 3\) .*schemaVersion is'):
        make_types().decode(event)
    with pytest.raises(UnknownEventType):
        make_types().decode(replace_type(event, "Other"))


def replace_type(event: RecordedEvent, type: str) -> RecordedEvent:
    return event._replace(type=type)


@pytest.mark.parametrize("version", ["2", 0, 1.5, True])
def test_types_have_versions_that_are_numbers(version: Any) -> None:
    with pytest.raises(errors.InvalidValue, match=r"version is .*; give an integer, 1 or more"):
        EventTypes().register("A", version=version)


def test_invalid_event_objects_are_rejected_like_other_values() -> None:
    types = make_types()
    with pytest.raises(errors.InvalidValue, match=r"event 'Measured': data\.value is nan"):
        types.encode(Measured(math.nan))
    deep = replace(Measured(0), value=nested(10_000))  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidValue, match="event 'Measured': data is nested too deeply"):
        types.encode(deep)


def test_keys_that_are_equal_as_text_are_rejected() -> None:
    with pytest.raises(TypeError, match="equal as text"):
        make_types().encode(replace(Measured(0), value={1: "a", "1": "b"}))  # type: ignore[arg-type]


async def test_a_snapshot_that_can_not_be_written_does_not_fail_its_command(
    client: AsyncClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The command has taken effect by then."""
    from annals.toolkit import Snapshots

    repository = Repository(client, lambda: Measured(0), make_types(), prefix=name, snapshots=Snapshots(every=1))
    done = await repository.execute("1", lambda _: [Measured(1.5)])
    await repository.settle()
    assert done.revision == 0
    assert "no snapshot" in caplog.text
    assert (await client.append(f"{name}-1", [Event("A")], expected=Expected.STREAM_EXISTS)).first_revision == 1


def test_encoded_json_is_what_python_reads() -> None:
    value = {"a": [1, 2.5, "x", None, {"b": True}]}
    assert json.loads(Event.json("Odd", value).data) == value
