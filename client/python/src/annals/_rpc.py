"""The calls of the protocol, each with its messages.

Written by hand, because generated stubs are not typed and contain nothing more. A test compares this list with the
services' descriptors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from annals.v1 import append_pb2 as append
from annals.v1 import event_store_pb2 as store
from annals.v1 import group_pb2 as group
from annals.v1 import scavenge_pb2 as scavenge
from annals.v1 import snapshot_pb2 as snapshot
from annals.v1 import state_pb2 as state
from annals.v1 import stream_pb2 as stream

SERVICE = "annals.v1.EventStoreService"
STATE_SERVICE = "annals.v1.StateService"
GROUP_SERVICE = "annals.v1.GroupService"

Kind = Literal["unary_unary", "unary_stream", "stream_stream"]


class _Message(Protocol):
    def SerializeToString(self) -> bytes: ...  # noqa: N802

    @classmethod
    def FromString(cls, data: bytes, /) -> Any: ...  # noqa: N802


Q = TypeVar("Q", bound=_Message)
A = TypeVar("A", bound=_Message)


@dataclass(frozen=True, eq=False)
class Method(Generic[Q, A]):
    """A call of a service."""

    name: str
    kind: Kind
    request: type[Q]
    response: type[A]
    service: str = SERVICE

    @property
    def path(self) -> str:
        """The path of its HTTP/2 requests."""
        return f"/{self.service}/{self.name}"

    @property
    def serializer(self) -> Callable[[Q], bytes]:
        """Encodes requests."""
        return self.request.SerializeToString

    @property
    def deserializer(self) -> Callable[[bytes], A]:
        """Decodes responses."""
        return self.response.FromString


APPEND_TO_STREAM = Method("AppendToStream", "unary_unary", append.AppendToStreamRequest, append.AppendToStreamResponse)
APPEND_TO_MANY = Method("AppendToMany", "unary_unary", append.AppendToManyRequest, append.AppendToManyResponse)
APPEND_PIPELINE = Method("AppendPipeline", "stream_stream", append.AppendPipelineRequest, append.AppendPipelineResponse)
READ_STREAM = Method("ReadStream", "unary_stream", store.ReadStreamRequest, store.ReadStreamResponse)
READ_ALL = Method("ReadAll", "unary_stream", store.ReadAllRequest, store.ReadAllResponse)
SUBSCRIBE_ALL = Method("SubscribeAll", "unary_stream", store.SubscribeAllRequest, store.SubscribeAllResponse)
SUBSCRIBE_STREAM = Method(
    "SubscribeStream", "unary_stream", store.SubscribeStreamRequest, store.SubscribeStreamResponse
)
GET_STREAM = Method("GetStream", "unary_unary", stream.GetStreamRequest, stream.GetStreamResponse)
LIST_STREAMS = Method("ListStreams", "unary_unary", stream.ListStreamsRequest, stream.ListStreamsResponse)
GET_POSITION_AT_TIME = Method(
    "GetPositionAtTime", "unary_unary", store.GetPositionAtTimeRequest, store.GetPositionAtTimeResponse
)
SET_RETENTION = Method("SetRetention", "unary_unary", stream.SetRetentionRequest, stream.SetRetentionResponse)
GET_RETENTION = Method("GetRetention", "unary_unary", stream.GetRetentionRequest, stream.GetRetentionResponse)
SET_PREFIX_RETENTION = Method(
    "SetPrefixRetention", "unary_unary", stream.SetPrefixRetentionRequest, stream.SetPrefixRetentionResponse
)
GET_PREFIX_RETENTION = Method(
    "GetPrefixRetention", "unary_unary", stream.GetPrefixRetentionRequest, stream.GetPrefixRetentionResponse
)
LIST_PREFIX_RETENTIONS = Method(
    "ListPrefixRetentions", "unary_unary", stream.ListPrefixRetentionsRequest, stream.ListPrefixRetentionsResponse
)
DELETE_STREAM = Method("DeleteStream", "unary_unary", stream.DeleteStreamRequest, stream.DeleteStreamResponse)
TOMBSTONE_STREAM = Method(
    "TombstoneStream", "unary_unary", stream.TombstoneStreamRequest, stream.TombstoneStreamResponse
)
SAVE_SNAPSHOT = Method("SaveSnapshot", "unary_unary", snapshot.SaveSnapshotRequest, snapshot.SaveSnapshotResponse)
LOAD_SNAPSHOT = Method("LoadSnapshot", "unary_unary", snapshot.LoadSnapshotRequest, snapshot.LoadSnapshotResponse)
START_SCAVENGE = Method("StartScavenge", "unary_unary", scavenge.StartScavengeRequest, scavenge.StartScavengeResponse)
STOP_SCAVENGE = Method("StopScavenge", "unary_unary", scavenge.StopScavengeRequest, scavenge.StopScavengeResponse)
GET_SCAVENGE = Method("GetScavenge", "unary_unary", scavenge.GetScavengeRequest, scavenge.GetScavengeResponse)
GET_SERVER_INFO = Method("GetServerInfo", "unary_unary", store.GetServerInfoRequest, store.GetServerInfoResponse)
GET_STATE = Method("GetState", "unary_unary", state.GetStateRequest, state.GetStateResponse, STATE_SERVICE)
LIST_STATE = Method("ListState", "unary_unary", state.ListStateRequest, state.ListStateResponse, STATE_SERVICE)
WRITE_STATE = Method("WriteState", "unary_unary", state.WriteStateRequest, state.WriteStateResponse, STATE_SERVICE)
SUBSCRIBE_STATE = Method(
    "SubscribeState", "unary_stream", state.SubscribeStateRequest, state.SubscribeStateResponse, STATE_SERVICE
)

CREATE_GROUP = Method("CreateGroup", "unary_unary", group.CreateGroupRequest, group.CreateGroupResponse, GROUP_SERVICE)
UPDATE_GROUP = Method("UpdateGroup", "unary_unary", group.UpdateGroupRequest, group.UpdateGroupResponse, GROUP_SERVICE)
DELETE_GROUP = Method("DeleteGroup", "unary_unary", group.DeleteGroupRequest, group.DeleteGroupResponse, GROUP_SERVICE)
LIST_GROUPS = Method("ListGroups", "unary_unary", group.ListGroupsRequest, group.ListGroupsResponse, GROUP_SERVICE)
DESCRIBE_GROUP = Method(
    "DescribeGroup", "unary_unary", group.DescribeGroupRequest, group.DescribeGroupResponse, GROUP_SERVICE
)
RESET_GROUP = Method("ResetGroup", "unary_unary", group.ResetGroupRequest, group.ResetGroupResponse, GROUP_SERVICE)
LIST_PARKED = Method("ListParked", "unary_unary", group.ListParkedRequest, group.ListParkedResponse, GROUP_SERVICE)
REPLAY_PARKED = Method(
    "ReplayParked", "unary_unary", group.ReplayParkedRequest, group.ReplayParkedResponse, GROUP_SERVICE
)
DISCARD_PARKED = Method(
    "DiscardParked", "unary_unary", group.DiscardParkedRequest, group.DiscardParkedResponse, GROUP_SERVICE
)
CONSUME = Method("Consume", "stream_stream", group.ConsumeRequest, group.ConsumeResponse, GROUP_SERVICE)

METHODS: tuple[Method[Any, Any], ...] = tuple(value for value in list(globals().values()) if isinstance(value, Method))
