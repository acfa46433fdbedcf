"""Appends: results, rejections and retries."""

import asyncio
from datetime import UTC, datetime

import pytest

from annals import Appended, AsyncClient, Event, Expected, NoMatch, Query, StreamIs, Write, errors, new_id
from annals.testing import Server


async def test_an_append_returns_revisions_and_positions(client: AsyncClient, name: str) -> None:
    first = await client.append(name, [Event("A"), Event("B")], expected=Expected.NO_STREAM)
    assert (first.first_revision, first.last_revision) == (0, 1)
    assert first.last_position == first.first_position + 1
    assert not first.already_appended
    assert first.recorded_at.tzinfo is UTC
    second = await client.append(name, [Event("C")], expected=1)
    assert second.first_revision == 2


async def test_an_event_comes_back_as_it_was_given(client: AsyncClient, name: str) -> None:
    event = Event.json("Placed", {"total": 42, "who": "Zoë"}, tags=["a:1", "b:2"], metadata={"user": "ada"})
    assert event.to_proto().content_type == ""
    appended = await client.append(name, [event])
    [recorded] = await client.read_stream(name).collect()
    assert (recorded.id, recorded.type, recorded.data) == (event.id, event.type, event.data)
    assert recorded.json() == {"total": 42, "who": "Zoë"}
    assert recorded.json_metadata() == {"user": "ada"}
    assert recorded.tags == ("a:1", "b:2")
    assert (recorded.stream, recorded.revision, recorded.position) == (name, 0, appended.first_position)
    assert recorded.recorded_at == appended.recorded_at


async def test_an_event_keeps_its_content_type(client: AsyncClient, name: str) -> None:
    label = Event.binary("LabelPrinted", b"%PDF\xff", "application/pdf", tags=["a:1"], metadata={"user": "ada"})
    await client.append(name, [label, Event("A", b"1", content_type="application/json"), Event.json("B", 2)])
    await client.append_to_many([Write(name, [Event("C", b"<c/>", content_type="text/xml; charset=utf-8")])])
    events = await client.read_stream(name).collect()
    types = ["application/pdf", "application/json", "application/json", "text/xml; charset=utf-8"]
    assert [event.content_type for event in events] == types
    assert (events[0].id, events[0].data, events[0].tags) == (label.id, b"%PDF\xff", ("a:1",))
    assert events[0].json_metadata() == {"user": "ada"}
    assert [event.json() for event in events[1:3]] == [1, 2]
    with pytest.raises(errors.UnreadableEvent, match="its content type is"):
        events[0].json()
    with pytest.raises(errors.InvalidField) as caught:
        await client.append(name, [Event("A", content_type="pdf")])
    assert caught.value.violations[0].field == "events[0].content_type"


@pytest.mark.parametrize(
    ("expected", "actual"), [(Expected.NO_STREAM, 0), (5, 0), (Expected.STREAM_EXISTS, None), (3, None)]
)
async def test_a_conflict_reports_the_actual_state(
    client: AsyncClient, name: str, expected: Expected | int, actual: int | None
) -> None:
    if actual is not None:
        await client.append(name, [Event("A")])
    with pytest.raises(errors.RevisionConflict) as caught:
        await client.append(name, [Event("B")], expected=expected)
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == (name, expected, actual)


@pytest.mark.parametrize("expected", [Expected.ANY, Expected.NO_STREAM])
async def test_the_same_events_are_written_once(client: AsyncClient, name: str, expected: Expected) -> None:
    events = [Event("A"), Event("B")]
    first = await client.append(name, events, expected=expected)
    again = await client.append(name, events, expected=expected)
    assert again.already_appended
    assert (again.first_position, again.last_revision) == (first.first_position, first.last_revision)
    assert len(await client.read_stream(name).collect()) == 2


async def test_a_known_id_in_another_append_is_a_conflict(client: AsyncClient, name: str) -> None:
    event = Event("A")
    appended = await client.append(name, [event])
    with pytest.raises(errors.EventIdConflict) as caught:
        await client.append(f"{name}-other", [event])
    assert (caught.value.id, caught.value.stream) == (event.id, name)
    assert caught.value.position == appended.first_position


async def test_a_rejection_names_the_field(client: AsyncClient, name: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        await client.append(name, [Event("A"), Event("")])
    assert caught.value.violations[0].field == "events[1].type"
    with pytest.raises(errors.TooLarge):
        await client.append(name, [Event("A", b"x" * (1 << 21))])
    with pytest.raises(TypeError):
        await client.append(name, [Event("A")], expected=True)


async def test_recorded_times_are_rejected_unless_enabled(client: AsyncClient, name: str) -> None:
    with pytest.raises(errors.RecordedTimeNotAccepted):
        await client.append(name, [Event("A")], recorded_at=datetime.now(UTC))
    with pytest.raises(ValueError, match="time zone"):
        await client.append(name, [Event("A")], recorded_at=datetime(2020, 1, 1))


async def test_a_pipeline_answers_each_append_in_order(client: AsyncClient, name: str) -> None:
    async with client.append_pipeline() as pipeline:
        answers = [await pipeline.append(name, [Event("A"), Event("B")]) for _ in range(2_500)]
        refused = await pipeline.append(name, [Event("C")], expected=Expected.NO_STREAM)
        after = await pipeline.append(name, [Event("D")], expected=4_999)
    assert [answer.result().first_revision for answer in answers] == list(range(0, 5_000, 2))
    with pytest.raises(errors.RevisionConflict):
        refused.result()
    assert after.result().last_revision == 5_000
    with pytest.raises(errors.PipelineClosed):
        await pipeline.append(name, [Event("E")])


async def test_many_independent_appends_are_pipelined(client: AsyncClient, name: str) -> None:
    results = await client.append_each((name, [Event.json("A", n)]) for n in range(3_000))
    assert [result.first_revision for result in results] == list(range(3_000))
    appends = [(f"{name}-{n % 2}", [Event("A")]) for n in range(3)]
    with pytest.raises(errors.RevisionConflict) as caught:
        await client.append_each(appends, expected=Expected.NO_STREAM)
    assert caught.value.stream == f"{name}-0"
    assert (await client.stream_info(f"{name}-1")).last_revision == 0


async def test_a_pipeline_is_bounded(client: AsyncClient, name: str) -> None:
    from annals import PipelineLimits

    pipeline = client.append_pipeline(PipelineLimits(appends_max=10))
    async with pipeline:
        for _ in range(200):
            await pipeline.append(name, [Event("A")])
            assert len(pipeline._exchange.unanswered) <= 10


async def test_a_cancelled_wait_does_not_cancel_the_append(client: AsyncClient, name: str) -> None:
    async with client.append_pipeline() as pipeline:
        answer = await pipeline.append(name, [Event("A")])
        answer.cancel()
        assert (await (await pipeline.append(name, [Event("B")]))).first_revision == 1


async def test_appends_of_many_tasks_are_all_made(client: AsyncClient, name: str) -> None:
    await asyncio.gather(*(client.append(name, [Event("A")]) for _ in range(200)))
    assert (await client.stream_info(name)).last_revision == 199


async def test_an_append_that_is_too_large_fails_alone(client: AsyncClient, name: str) -> None:
    """300 small appends, which share messages, are made at the same time."""

    async def append(nth: int) -> tuple[int, str]:
        events = [Event("A", b"x" * (1 << 20))] * 7 if nth == 150 else [Event("A")]
        try:
            await client.append(f"{name}-{nth}", events)
        except errors.AnnalsError as error:
            return nth, f"{type(error).__name__}: {error}"
        return nth, "written"

    outcomes = dict(await asyncio.gather(*(append(nth) for nth in range(300))))
    too_large = outcomes.pop(150)
    assert set(outcomes.values()) == {"written"}
    assert too_large.startswith("TooLarge: ")
    assert "found 734" in too_large


@pytest.mark.parametrize("large", [2, 3, 7])
async def test_an_append_of_a_pipeline_that_is_too_large_fails_alone(
    client: AsyncClient, name: str, large: int
) -> None:
    """The other appends are made in order, whether the server accepts the large one (up to 4 MiB) or rejects it."""
    async with client.append_pipeline() as pipeline:
        answers = []
        for nth in range(300):
            events = [Event("A", b"x" * 1_000_000) for _ in range(large)] if nth in (0, 150, 151) else [Event("A")]
            answers.append(await pipeline.append(name, events))
    revisions = []
    for nth, answer in enumerate(answers):
        if large == 7 and nth in (0, 150, 151):
            assert isinstance(answer.exception(), errors.TooLarge)
        else:
            revisions += range(answer.result().first_revision, answer.result().last_revision + 1)
    assert revisions == list(range(297 + (0 if large == 7 else 3 * large)))


async def test_every_server_takes_a_pipeline_s_messages(name: str) -> None:
    """However small its limit for appends is; larger appends are rejected individually."""

    def events(count: int) -> list[Event]:
        return [Event("A", b"x" * 30_000) for _ in range(count)]

    options = ["--max-append-bytes", "64KiB", "--max-event-bytes", "32KiB", "--max-snapshot-bytes", "1KiB"]
    with Server("memory", options=options) as server:
        async with AsyncClient(server.endpoint) as client:
            counts = [2] * 100 + [3, 20, 32, 33, 40, 200]
            appends = [client.append(f"{name}-{nth}", events(count)) for nth, count in enumerate(counts)]
            outcomes = await asyncio.gather(*appends, return_exceptions=True)
    assert {type(one) for one in outcomes[:100]} == {Appended}
    assert {type(one) for one in outcomes[100:]} == {errors.TooLarge}


async def test_many_streams_are_written_at_once(client: AsyncClient, name: str) -> None:
    writes = [Write(f"{name}-a", [Event("A"), Event("B")]), Write(f"{name}-b", [Event("C")])]
    checks = [StreamIs(f"{name}-a", Expected.NO_STREAM)]
    appended = await client.append_to_many(writes, checks=checks)
    assert appended.last_position == appended.first_position + 2
    assert [(one.stream, one.first_revision, one.last_revision) for one in appended.streams] == [
        (f"{name}-a", 0, 1),
        (f"{name}-b", 0, 0),
    ]
    assert (await client.append_to_many(writes, checks=checks)).already_appended


async def test_failed_checks_are_listed(client: AsyncClient, name: str) -> None:
    event = await client.append(f"{name}-a", [Event("A", tags=(name,))])
    checks = [
        StreamIs(f"{name}-b", Expected.NO_STREAM),
        StreamIs(f"{name}-a", 7),
        NoMatch(Query.of(tags=name), after=0),
    ]
    with pytest.raises(errors.ChecksFailed) as caught:
        await client.append_to_many([Write(f"{name}-b", [Event("B")])], checks=checks)
    assert caught.value.count == 2
    first, second = caught.value.failed
    assert first == errors.FailedCheck(1, errors.StreamMismatch(f"{name}-a", 7, 0))
    assert second == errors.FailedCheck(2, errors.MatchFound(0, event.last_position))
    checks = [NoMatch(Query.of(tags=name), after=event.last_position)]
    await client.append_to_many([Write(f"{name}-b", [Event("B")])], checks=checks)


async def test_a_write_states_what_it_expects_of_its_stream(client: AsyncClient, name: str) -> None:
    await client.append_to_many(
        [
            Write(f"{name}-a", [Event("A")], expected=Expected.NO_STREAM),
            Write(f"{name}-b", [Event("B")], Expected.ANY),
        ]
    )
    await client.append_to_many([Write(f"{name}-a", [Event("A")], 0), Write(f"{name}-b", [Event("B")])])
    writes = [
        Write(f"{name}-a", [Event("A")], expected=0),
        Write(f"{name}-b", [Event("B")]),
        Write(f"{name}-c", [Event("C")], expected=Expected.STREAM_EXISTS),
    ]
    with pytest.raises(errors.ChecksFailed) as caught:
        await client.append_to_many(writes, checks=[StreamIs(f"{name}-b", 7)])
    # First the checks, then the expectations of the writes that have one.
    assert caught.value.failed == (
        errors.FailedCheck(0, errors.StreamMismatch(f"{name}-b", 7, 1)),
        errors.FailedCheck(1, errors.StreamMismatch(f"{name}-a", 0, 1)),
        errors.FailedCheck(2, errors.StreamMismatch(f"{name}-c", Expected.STREAM_EXISTS, None)),
    )
    with pytest.raises(errors.InvalidField):
        await client.append_to_many([writes[0], writes[0]])


async def test_a_pipeline_takes_appends_to_many(client: AsyncClient, name: str) -> None:
    async with client.append_pipeline() as pipeline:
        answer = await pipeline.append_to_many([Write(name, [Event("A")])])
    assert answer.result().streams[0].stream == name


def test_ids_are_version_7_and_follow_time() -> None:
    ids = [new_id() for _ in range(100)]
    assert {(id.version, id.variant) for id in ids} == {(7, "specified in RFC 4122")}
    assert [id.int >> 80 for id in ids] == sorted(id.int >> 80 for id in ids)
    assert len(set(ids)) == 100
