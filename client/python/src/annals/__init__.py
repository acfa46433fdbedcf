"""Client for Annals, an event store.

Appends are idempotent, and reads and subscriptions resume after a lost connection. The toolkit (aggregates, decision
models, projections, process managers) is in `annals.toolkit`.

    from annals import AsyncClient, Event, Expected, RecordedEvent

    async with AsyncClient("http://127.0.0.1:2113") as client:
        placed = Event.json("OrderPlaced", {"total": 42}, tags=["customer:7"])
        await client.append("order-1", [placed], expected=Expected.NO_STREAM)
        async for event in client.read_stream("order-1"):
            print(event.revision, event.type, event.json())

| to | use |
|---|---|
| append the events of one decision | `AsyncClient.append` |
| append to several streams, or on condition that no matching event was added | `AsyncClient.append_to_many` |
| append many independent batches of events, in order | `AsyncClient.append_each` |
| control many appends in flight | `AsyncClient.append_pipeline` |
| load an aggregate | `AsyncClient.read_stream` |
| read the whole log once | `AsyncClient.read_all` |
| update a projection, or react to events | `AsyncClient.subscribe_all`, `AsyncClient.subscribe_stream` |
| share the work of processing events between processes | `AsyncClient.create_group`, `AsyncClient.consume` |
| keep small documents beside the log | `AsyncClient.get_state`, `write_state`, `update_state`, `subscribe_state` |
| do any of this without asyncio | `Client` |

All durations are in seconds, all `datetime`s in UTC. The exceptions are in `annals.errors`.
"""

from importlib.metadata import version as _version

from annals import _fork as _fork
from annals._connection import Tls
from annals._retry import RetryPolicy
from annals.aio import AsyncClient
from annals.append import (
    Appended,
    AppendedToMany,
    Check,
    Expected,
    ExpectedRevision,
    NoMatch,
    StreamIs,
    Write,
    Written,
)
from annals.conflicts import ConflictPolicy
from annals.consumer import Ack, Consumer, Delivery, Handler, Outcome, Park, Retry, Skip
from annals.errors import (
    AnnalsError,
    ChecksFailed,
    Conflict,
    DeadlineExceeded,
    EventIdConflict,
    GroupNotFound,
    InvalidField,
    InvalidValue,
    PositionBeyondHead,
    RevisionConflict,
    StateVersionExpired,
    StreamNotFound,
    StreamTombstoned,
    TransientError,
    Unreachable,
    UnreadableEvent,
)
from annals.event import Event, RecordedEvent, new_id
from annals.group import (
    ConsumerStatus,
    Group,
    GroupMode,
    GroupSettings,
    GroupStart,
    GroupStatus,
    ParkedEvent,
    ParkedSelection,
)
from annals.info import (
    Deleted,
    Limits,
    PrefixRetention,
    Retention,
    RetentionInfo,
    Scavenge,
    ScavengeState,
    ServerInfo,
    Snapshot,
    StreamInfo,
    Tombstoned,
)
from annals.pipeline import AppendPipeline, PipelineLimits
from annals.query import Query, QueryItem
from annals.read import Read
from annals.state import (
    Absent,
    AtVersion,
    Delete,
    Put,
    StateChange,
    StateCheck,
    StateEntry,
    StatePage,
    StateRead,
    StateWritten,
)
from annals.state_subscription import StateCaughtUp, StateCheckpoint, StateDeletion, StateItem, StateSubscription
from annals.subscription import CaughtUp, Checkpoint, FellBehind, Subscription, SubscriptionItem
from annals.sync import Client, SyncConsumer, SyncRead, SyncStateSubscription, SyncSubscription

__version__ = _version("annals-client")

__all__ = [
    "Absent",
    "Ack",
    "AnnalsError",
    "AppendPipeline",
    "Appended",
    "AppendedToMany",
    "AsyncClient",
    "AtVersion",
    "CaughtUp",
    "Check",
    "Checkpoint",
    "ChecksFailed",
    "Client",
    "Conflict",
    "ConflictPolicy",
    "Consumer",
    "ConsumerStatus",
    "DeadlineExceeded",
    "Delete",
    "Deleted",
    "Delivery",
    "Event",
    "EventIdConflict",
    "Expected",
    "ExpectedRevision",
    "FellBehind",
    "Group",
    "GroupMode",
    "GroupNotFound",
    "GroupSettings",
    "GroupStart",
    "GroupStatus",
    "Handler",
    "InvalidField",
    "InvalidValue",
    "Limits",
    "NoMatch",
    "Outcome",
    "Park",
    "ParkedEvent",
    "ParkedSelection",
    "PipelineLimits",
    "PositionBeyondHead",
    "PrefixRetention",
    "Put",
    "Query",
    "QueryItem",
    "Read",
    "RecordedEvent",
    "Retention",
    "RetentionInfo",
    "Retry",
    "RetryPolicy",
    "RevisionConflict",
    "Scavenge",
    "ScavengeState",
    "ServerInfo",
    "Skip",
    "Snapshot",
    "StateCaughtUp",
    "StateChange",
    "StateCheck",
    "StateCheckpoint",
    "StateDeletion",
    "StateEntry",
    "StateItem",
    "StatePage",
    "StateRead",
    "StateSubscription",
    "StateVersionExpired",
    "StateWritten",
    "StreamInfo",
    "StreamIs",
    "StreamNotFound",
    "StreamTombstoned",
    "Subscription",
    "SubscriptionItem",
    "SyncConsumer",
    "SyncRead",
    "SyncStateSubscription",
    "SyncSubscription",
    "Tls",
    "Tombstoned",
    "TransientError",
    "Unreachable",
    "UnreadableEvent",
    "Write",
    "Written",
    "__version__",
    "new_id",
]
