"""Responses of a faulty server. The server is a fake that sends what a test specifies."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from annals import AsyncClient, CaughtUp, Checkpoint, Event, FellBehind, RecordedEvent, RetryPolicy, errors
from annals.event import decode_all
from annals.v1 import append_pb2, event_pb2, scavenge_pb2, snapshot_pb2
from annals.v1 import event_store_pb2 as pb

from .fake import Fake, refuse


def events(*positions: int) -> list[event_pb2.RecordedEvent]:
    return [
        event_pb2.RecordedEvent(
            id="01a1fda7-ded8-76f4-a19b-7a7216b9f4cf", type="A", stream="s", revision=position - 1, position=position
        )
        for position in positions
    ]


def batch(*positions: int) -> pb.SubscribeAllResponse:
    return pb.SubscribeAllResponse(events=event_pb2.EventBatch(events=events(*positions)))


async def test_a_subscription_resumes_after_what_it_received() -> None:
    async def subscribe(nth: int, request: pb.SubscribeAllRequest, context: Any) -> AsyncIterator[Any]:
        if nth == 1:
            yield batch(1, 2)
            yield pb.SubscribeAllResponse(checkpoint=pb.Checkpoint(position=10))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        elif nth == 2:
            return  # Ends without an error, like a server that shuts down.
        yield pb.SubscribeAllResponse(checkpoint=pb.Checkpoint(position=10))
        yield pb.SubscribeAllResponse()
        yield batch(12)

    async with Fake(SubscribeAll=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        items = []
        async for item in client.subscribe_all():
            items.append(item.position)
            if item.position == 12:
                break
        assert items == [1, 2, 10, 12]
        assert [call.after for call in fake.calls] == [0, 10, 10]
        assert not fake.calls[0].HasField("after")


async def test_a_subscription_to_a_stream_resumes_after_the_revision_of_a_notice() -> None:
    async def subscribe(nth: int, request: pb.SubscribeStreamRequest, context: Any) -> AsyncIterator[Any]:
        if nth == 1:
            yield pb.SubscribeStreamResponse(checkpoint=pb.Checkpoint(position=5))  # The stream has no events yet.
        elif nth == 2:
            yield pb.SubscribeStreamResponse(fell_behind=pb.FellBehind(position=6, head=40, revision=0))
        elif nth == 3:
            yield pb.SubscribeStreamResponse(events=event_pb2.EventBatch(events=events(8)))
            yield pb.SubscribeStreamResponse(checkpoint=pb.Checkpoint(position=20, revision=9))
        elif nth == 4:
            yield pb.SubscribeStreamResponse(caught_up=pb.CaughtUp(position=30, revision=12))
        elif nth == 5:
            # Reported already, so it does not lead back.
            yield pb.SubscribeStreamResponse(checkpoint=pb.Checkpoint(position=20, revision=9))
        else:
            yield pb.SubscribeStreamResponse(events=event_pb2.EventBatch(events=events(31)))
        await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")

    async with Fake(SubscribeStream=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        subscription = client.subscribe_stream("s")
        items = [await anext(subscription) for _ in range(6)]
        [eighth], [last] = decode_all(events(8)), decode_all(events(31))
        assert items == [
            Checkpoint(5),
            FellBehind(6, 40, 0),
            eighth,
            Checkpoint(20, 9),
            CaughtUp(30, 12),
            last,
        ]
        await subscription.aclose()
        assert not fake.calls[0].HasField("after_revision")
        assert not fake.calls[1].HasField("after_revision")
        assert [call.after_revision for call in fake.calls[2:6]] == [0, 9, 12, 12]


async def test_closing_a_read_ends_the_iteration_of_another_task() -> None:
    async def read(nth: int, request: pb.ReadAllRequest, context: Any) -> AsyncIterator[Any]:
        yield pb.ReadAllResponse(events=events(1, 2), head=5)
        await asyncio.Event().wait()

    async with Fake(ReadAll=read) as fake, AsyncClient(fake.endpoint) as client:
        reading = await client.read_all()
        collecting = asyncio.create_task(reading.collect())
        await asyncio.sleep(0.05)
        await reading.aclose()
        assert [event.position for event in await asyncio.wait_for(collecting, 5)] == [1, 2]
        cancelled = await client.read_all()
        collecting = asyncio.create_task(cancelled.collect())
        await asyncio.sleep(0.05)
        collecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await collecting


@pytest.mark.parametrize("positions", [(2, 2), (3, 1)])
async def test_events_out_of_order_are_a_protocol_error(positions: tuple[int, ...]) -> None:
    async def subscribe(nth: int, request: Any, context: Any) -> AsyncIterator[Any]:
        yield batch(*positions)

    async with Fake(SubscribeAll=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        with pytest.raises(errors.ProtocolError):
            await anext(client.subscribe_all())


async def test_gaps_of_removed_events_are_accepted() -> None:
    async def subscribe(nth: int, request: Any, context: Any) -> AsyncIterator[Any]:
        yield batch(1, 5)
        yield pb.SubscribeAllResponse(checkpoint=pb.Checkpoint(position=9))

    async with Fake(SubscribeAll=subscribe) as fake, AsyncClient(fake.endpoint) as client:
        subscription = client.subscribe_all()
        kinds = [type(await anext(subscription)) for _ in range(3)]
        assert kinds == [RecordedEvent, RecordedEvent, Checkpoint]


async def test_a_read_resumes_with_its_remaining_range() -> None:
    async def read(nth: int, request: pb.ReadAllRequest, context: Any) -> AsyncIterator[Any]:
        if nth == 1:
            yield pb.ReadAllResponse(events=events(1, 2, 3), head=6)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        yield pb.ReadAllResponse(events=events(4, 5, 6, 7, 8), head=8)

    async with Fake(ReadAll=read) as fake, AsyncClient(fake.endpoint) as client:
        read_ = await client.read_all(limit=10)
        assert [event.position async for event in read_] == [1, 2, 3, 4, 5, 6]
        assert read_.head == 6
        assert (fake.calls[1].from_position, fake.calls[1].limit) == (4, 7)


async def test_the_server_decides_how_many_snapshots_are_kept_by_default() -> None:
    async def save(nth: int, request: Any, context: Any) -> snapshot_pb2.SaveSnapshotResponse:
        return snapshot_pb2.SaveSnapshotResponse()

    async with Fake(SaveSnapshot=save) as fake, AsyncClient(fake.endpoint) as client:
        await client.save_snapshot("s", 1, b"")
        await client.save_snapshot("s", 1, b"", keep=7)
        assert [call.keep if call.HasField("keep") else None for call in fake.calls] == [None, 7]


async def test_an_unknown_state_of_a_scavenge_is_a_protocol_error() -> None:
    async def status(nth: int, request: Any, context: Any) -> scavenge_pb2.GetScavengeResponse:
        return scavenge_pb2.GetScavengeResponse(scavenge=scavenge_pb2.Scavenge(streams_total=nth))

    async with Fake(GetScavenge=status) as fake, AsyncClient(fake.endpoint) as client:
        with pytest.raises(errors.ProtocolError, match="unknown state 0"):
            await client.scavenge_status()


async def test_only_transient_errors_are_retried() -> None:
    async def append(nth: int, request: Any, context: Any) -> append_pb2.AppendToStreamResponse:
        if nth < 3:
            await refuse(context, "OVERLOADED", grpc.StatusCode.RESOURCE_EXHAUSTED)
        if nth == 4:
            await refuse(context, "CORRUPT", grpc.StatusCode.DATA_LOSS)
        return append_pb2.AppendToStreamResponse(last_position=7)

    async with Fake(AppendToStream=append) as fake, AsyncClient(fake.endpoint) as client:
        event = Event("A")
        assert (await client.append("s", [event])).last_position == 7
        assert [call.events[0].id for call in fake.calls] == [str(event.id)] * 3
        with pytest.raises(errors.Corrupt):
            await client.append("s", [Event("B")])
        assert len(fake.calls) == 4


async def test_the_policy_limits_the_attempts() -> None:
    async def append(nth: int, request: Any, context: Any) -> None:
        await refuse(context, "SHUTTING_DOWN", grpc.StatusCode.UNAVAILABLE)

    async with Fake(AppendToStream=append) as fake:
        async with AsyncClient(fake.endpoint, retry=RetryPolicy(tries_max=3)) as client:
            with pytest.raises(errors.Unavailable) as caught:
                await client.append("s", [Event("A")])
        assert caught.value.reason is errors.Unavailability.SHUTTING_DOWN
        assert len(fake.calls) == 3
        async with AsyncClient(fake.endpoint, timeout=0.3) as client:
            with pytest.raises(errors.TransientError):
                await client.append("s", [Event("A")])


async def test_a_pipelineresumes_from_a_transient_rejection() -> None:
    received: list[list[str]] = []

    async def answer(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
        received.append([])
        async for request in requests:
            for append in request.appends:
                received[-1].append(append.append_to_stream.stream)
                result = append_pb2.PipelinedResult(
                    appended_to_stream=append_pb2.AppendToStreamResponse(last_revision=1)
                )
                if nth == 1 and append.append_to_stream.stream == "b":
                    detail = AnyMessage()
                    detail.Pack(ErrorInfo(reason="OVERLOADED", domain="annals"))
                    result = append_pb2.PipelinedResult(error=Status(code=8, message="message", details=[detail]))
                yield append_pb2.AppendPipelineResponse(results=[result])

    async with Fake(AppendPipeline=answer) as fake, AsyncClient(fake.endpoint) as client:
        async with client.append_pipeline() as pipeline:
            answers = [await pipeline.append(stream, [Event("A")]) for stream in "abc"]
        assert [answer.result().last_revision for answer in answers] == [1, 1, 1]
    assert received[0][:2] == ["a", "b"]
    assert received[1] == ["b", "c"]


async def test_a_surplus_result_ends_the_pipeline() -> None:
    async def answer(nth: int, requests: Any, context: Any) -> AsyncIterator[Any]:
        async for _ in requests:
            result = append_pb2.PipelinedResult(appended_to_stream=append_pb2.AppendToStreamResponse())
            yield append_pb2.AppendPipelineResponse(results=[result, result])

    async with Fake(AppendPipeline=answer) as fake, AsyncClient(fake.endpoint) as client:
        pipeline = client.append_pipeline()
        await (await pipeline.append("s", [Event("A")]))
        assert pipeline._exchange._driver is not None
        await pipeline._exchange._driver
        with pytest.raises(errors.PipelineClosed):
            await pipeline.append("s", [Event("A")])
