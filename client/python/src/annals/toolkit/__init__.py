"""Event sourcing and CQRS with Annals: what applications are made of, on top of the client.

| to | use |
|---|---|
| give events types, versions, and readers of old forms | `EventTypes` |
| decide on one entity by its own events | `Repository` |
| decide on whatever events matter | `Decisions` |
| keep a read model up to date | `Projection`, `Projections` |
| react to events with commands | `ProcessManager` |
| let correlation, causation, user and trace flow | `metadata` |
| test rules without a server | `annals.testing.given` |

Everything here is asynchronous; synchronous code runs it by `Client.run`.
"""

from annals.toolkit import metadata
from annals.toolkit.aggregate import Aggregate, Executed, Loaded, Repository, Snapshots
from annals.toolkit.command import ConflictPolicy
from annals.toolkit.decision import Decided, DecisionModel, Decisions, To
from annals.toolkit.process import ProcessManager
from annals.toolkit.projection import Lag, Projection, ProjectionPolicy, State
from annals.toolkit.running import NewerVersion, Projections, RunningProjection, wait_for
from annals.toolkit.schema import EventTypes, UnknownEventType, UnreadableEvent
from annals.toolkit.stores.base import DeadLetter, Generation, ReadModelStore, WrongStore
from annals.toolkit.stores.memory import MemoryModel, MemoryStore
from annals.toolkit.stores.sqlite import SqliteModel, SqliteStore

__all__ = [
    "Aggregate",
    "ConflictPolicy",
    "DeadLetter",
    "Decided",
    "DecisionModel",
    "Decisions",
    "EventTypes",
    "Executed",
    "Generation",
    "Lag",
    "Loaded",
    "MemoryModel",
    "MemoryStore",
    "NewerVersion",
    "ProcessManager",
    "Projection",
    "ProjectionPolicy",
    "Projections",
    "ReadModelStore",
    "Repository",
    "RunningProjection",
    "Snapshots",
    "SqliteModel",
    "SqliteStore",
    "State",
    "To",
    "UnknownEventType",
    "UnreadableEvent",
    "WrongStore",
    "metadata",
    "wait_for",
]
