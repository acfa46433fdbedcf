"""Event sourcing and CQRS with Annals: building blocks for applications, on top of the client.

| to | use |
|---|---|
| give events types, versions and upcasters | `EventTypes` |
| decide on one entity by its own events | `Repository`, or `Decider` with functions instead of a class |
| decide on any set of events (DCB) | `Decisions` |
| update a read model | `Projection`, `Projections`; its tables in SQLite, PostgreSQL or the server's state |
| react to events with commands | `ProcessManager` |
| divide either between processes | `consume_projection`, `consume_process` |
| propagate correlation, causation, user and trace | `metadata` |
| test rules without a server | `annals.testing.given` |

Everything here is asynchronous; synchronous code runs it with `Client.run`.
"""

from annals.toolkit import metadata
from annals.toolkit.aggregate import Aggregate, Executed, Loaded, Repository, Snapshots
from annals.toolkit.command import ConflictPolicy
from annals.toolkit.decider import Decider
from annals.toolkit.decision import Decided, DecisionModel, Decisions, To
from annals.toolkit.group import consume_process, consume_projection
from annals.toolkit.process import ProcessManager
from annals.toolkit.projection import Lag, Projection, ProjectionPolicy, State
from annals.toolkit.running import NewerVersion, Projections, RunningProjection, wait_for
from annals.toolkit.schema import EventTypes, UnknownEventType, UnreadableEvent
from annals.toolkit.stores.base import DeadLetter, Generation, ReadModelStore, WrongStore
from annals.toolkit.stores.memory import MemoryModel, MemoryStore
from annals.toolkit.stores.sqlite import SqliteModel, SqliteStore
from annals.toolkit.stores.state import StateModel, StateStore

__all__ = [
    "Aggregate",
    "ConflictPolicy",
    "DeadLetter",
    "Decided",
    "Decider",
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
    "StateModel",
    "StateStore",
    "To",
    "UnknownEventType",
    "UnreadableEvent",
    "WrongStore",
    "consume_process",
    "consume_projection",
    "metadata",
    "wait_for",
]
