"""The calls about consumer groups."""

from __future__ import annotations

from collections.abc import AsyncIterator

from annals import _rpc
from annals._arguments import optional_integer, shown, text
from annals._retry import Caller
from annals.consumer import Consumer, Handler
from annals.errors import InvalidValue, ProtocolError
from annals.group import (
    Group,
    GroupSettings,
    GroupStart,
    GroupStatus,
    ParkedEvent,
    ParkedSelection,
    to_group,
    to_parked,
    to_status,
)
from annals.v1 import group_pb2 as pb

# Maximum number of groups or parked events per page, from the protocol.
_PAGE = 1_000


class GroupCalls:
    """The part of `AsyncClient` for consumer groups."""

    _caller: Caller
    _timeout: float

    async def create_group(
        self,
        name: str,
        settings: GroupSettings = GroupSettings(),  # noqa: B008
        *,
        start: GroupStart = GroupStart.beginning(),  # noqa: B008
    ) -> Group:
        """Creates a consumer group. Creating a group that exists with the same settings is no error.

        Args:
            name: The group's name: 1 to 256 bytes, not starting with `$`.
            settings: Its settings. By default an ordered group of the whole log.
            start: Where it starts. By default at the beginning.

        Raises:
            GroupExists: A group of this name exists with other settings.
            PositionBeyondHead: The position at which it starts does not exist in this store.
            InvalidField: The name or a setting is malformed or out of range.
        """
        text("name", name)
        request = pb.CreateGroupRequest(name=name, settings=_encoded(settings), start=_start(start))
        return to_group((await self._caller.unary(_rpc.CREATE_GROUP, request, self._timeout)).group)

    async def update_group(self, name: str, settings: GroupSettings, *, expected_version: int | None = None) -> Group:
        """Replaces the settings of a group. Events in flight are withdrawn and delivered again.

        Its place does not change; see `reset_group`. A call whose response was lost is retried. With
        `expected_version`, the retry can then fail with a `VersionConflict` with the caller's own change.

        Raises:
            GroupNotFound: There is no such group.
            VersionConflict: The group is not at `expected_version`.
            InvalidField: A setting is out of range.
        """
        text("name", name)
        optional_integer("expected_version", expected_version)
        request = pb.UpdateGroupRequest(name=name, settings=_encoded(settings), expected_version=expected_version)
        return to_group((await self._caller.unary(_rpc.UPDATE_GROUP, request, self._timeout)).group)

    async def delete_group(self, name: str) -> bool:
        """Deletes a group with its progress and its parked events, and ends its consumers with `GroupNotFound`.

        Returns whether there was one.
        """
        text("name", name)
        request = pb.DeleteGroupRequest(name=name)
        return (await self._caller.unary(_rpc.DELETE_GROUP, request, self._timeout)).deleted

    async def list_groups(self, prefix: str = "") -> AsyncIterator[Group]:
        """Returns the groups whose names begin with `prefix`, in the byte order of their names, page by page."""
        text("prefix", prefix)
        after, more = "", True
        while more:
            request = pb.ListGroupsRequest(name_prefix=prefix, after_name=after, page_size=_PAGE)
            page = await self._caller.unary(_rpc.LIST_GROUPS, request, self._timeout)
            if page.has_more and not page.groups:
                raise ProtocolError("an empty page of groups that is not the last one")
            for group in page.groups:
                yield to_group(group)
                after = group.name
            more = page.has_more

    async def describe_group(self, name: str) -> GroupStatus:
        """Returns a group with its progress and its consumers.

        Raises:
            GroupNotFound: There is no such group.
        """
        text("name", name)
        request = pb.DescribeGroupRequest(name=name)
        return to_status(await self._caller.unary(_rpc.DESCRIBE_GROUP, request, self._timeout))

    async def reset_group(self, name: str, start: GroupStart) -> int:
        """Continues a group at another place. Events in flight are withdrawn; parked events stay parked.

        Returns the position after which the group continues.

        Raises:
            GroupNotFound: There is no such group.
            PositionBeyondHead: The position does not exist in this store.
        """
        text("name", name)
        request = pb.ResetGroupRequest(name=name, start=_start(start))
        return (await self._caller.unary(_rpc.RESET_GROUP, request, self._timeout)).position

    async def list_parked(
        self, group: str, *, stream: str = "", include_events: bool = False
    ) -> AsyncIterator[ParkedEvent]:
        """Returns the parked events of a group in the order of their positions, page by page.

        Args:
            group: The group.
            stream: Returns only the events of this stream. Empty: of all.
            include_events: Whether to return the events themselves.

        Raises:
            GroupNotFound: There is no such group.
        """
        text("group", group)
        text("stream", stream)
        after, more = 0, True
        while more:
            request = pb.ListParkedRequest(
                group=group, stream=stream, after_position=after, page_size=_PAGE, include_events=include_events
            )
            page = await self._caller.unary(_rpc.LIST_PARKED, request, self._timeout)
            if page.has_more and not page.events:
                raise ProtocolError("an empty page of parked events that is not the last one")
            for parked in page.events:
                yield to_parked(parked)
                after = parked.position
            more = page.has_more

    async def replay_parked(self, group: str, selection: ParkedSelection, *, to_group: str = "") -> int:
        """Delivers parked events again, in the order of their positions, to this group or to another one.

        Replaying events that are not parked is no error. Returns how many events are delivered again because of this
        call.

        Raises:
            GroupNotFound: There is no such group.
        """
        text("group", group)
        text("to_group", to_group)
        request = pb.ReplayParkedRequest(group=group, selection=_selected(selection), to_group=to_group)
        return (await self._caller.unary(_rpc.REPLAY_PARKED, request, self._timeout)).count

    async def discard_parked(self, group: str, selection: ParkedSelection) -> int:
        """Discards parked events. Discarding events that are not parked is no error.

        Returns how many events this call discarded.

        Raises:
            GroupNotFound: There is no such group.
        """
        text("group", group)
        request = pb.DiscardParkedRequest(group=group, selection=_selected(selection))
        return (await self._caller.unary(_rpc.DISCARD_PARKED, request, self._timeout)).count

    def consume(
        self,
        group: str,
        handler: Handler,
        *,
        consumer: str | None = None,
        concurrency: int = 1,
        permits: int | None = None,
    ) -> Consumer:
        """Consumes the events of a group. Await the result, which runs until it is stopped, or use it as a context.

            async def handle(delivery: Delivery) -> None:
                await ship(delivery.event)

            await client.consume("shipping", handle, concurrency=8)

        The handler decides about each event: it returns normally or returns `Ack`, and the event is acked; it raises,
        and the event is retried after the group's delay, with the error's text as the reason; it returns
        `Retry(after)`, `Park(reason)` or `Skip`. Each event is delivered at least once. Events of one stream (or
        tag, in a group that orders by tags) are handled one after another, in order; those of different streams
        concurrently. After a lost connection the consumer reconnects automatically.

        Args:
            group: The group.
            handler: Called with each delivery. A handler that takes longer than the group's `ack_timeout` loses the
                event, which is delivered again.
            consumer: The name of the consumer, which is shown to operators. If a consumer of this name is connected,
                this one replaces it. By default host name, process id and a random part.
            concurrency: How many events are handled at a time, 1 or more.
            permits: The most deliveries that the consumer holds at a time, 1 to 4,096. By default twice the
                concurrency, and at least 16.

        Raises (when awaited):
            GroupNotFound: There is no such group, or it was deleted.
            ConsumerReplaced: Another consumer with the same name has opened.
            InvalidField: A name is malformed.
            TransientError: No server has accepted the consumer within the client's timeout.
        """
        return Consumer(
            self._caller, self._timeout, group, handler, name=consumer, concurrency=concurrency, permits=permits
        )


def _encoded(settings: GroupSettings) -> pb.GroupSettings:
    if not isinstance(settings, GroupSettings):
        raise InvalidValue("settings", f"is {shown(settings)}; give GroupSettings")
    return settings.to_proto()


def _start(start: GroupStart) -> pb.GroupStart:
    if not isinstance(start, GroupStart):
        raise InvalidValue("start", f"is {shown(start)}; give a GroupStart")
    return start.to_proto()


def _selected(selection: ParkedSelection) -> pb.ParkedSelection:
    if not isinstance(selection, ParkedSelection):
        raise InvalidValue("selection", f"is {shown(selection)}; give a ParkedSelection")
    return selection.to_proto()
