"""Errors of consumer groups and checkpoints."""

from __future__ import annotations

from annals.errors.base import AnnalsError, Conflict, TransientError, quoted

__all__ = [
    "CheckpointConflict",
    "CheckpointNotFound",
    "ConsumerReplaced",
    "GroupExists",
    "GroupNotFound",
    "GroupUnavailable",
    "UnknownDelivery",
]


class GroupNotFound(AnnalsError, LookupError):
    """There is no consumer group of this name, or it was deleted. Create it.

    Attributes:
        group: The group.
    """

    def __init__(self, group: str) -> None:
        super().__init__(f"group {quoted(group)} does not exist; create it")
        self.group = group


class GroupExists(AnnalsError):
    """A consumer group of this name exists with other settings. Update it, or use another name.

    Attributes:
        group: The group.
    """

    def __init__(self, group: str) -> None:
        super().__init__(f"group {quoted(group)} exists with other settings; update it, or use another name")
        self.group = group


class GroupUnavailable(TransientError):
    """The server that leads the group does not answer, or has lost the lead. Already retried; try again later.

    Attributes:
        group: The group.
    """

    def __init__(self, group: str) -> None:
        super().__init__(f"group {quoted(group)} has no leader at the moment; retry later")
        self.group = group


class UnknownDelivery(AnnalsError):
    """The consumer settled a delivery that it never got on this call. Report it: the client sends only known ids.

    Attributes:
        delivery: The id of the delivery.
    """

    def __init__(self, delivery: int) -> None:
        super().__init__(
            f"delivery {delivery} was never given to this consumer on this call; use the ids of its deliveries"
        )
        self.delivery = delivery


class ConsumerReplaced(AnnalsError):
    """Another consumer with the same name has opened in the group. Give each consumer its own name.

    Attributes:
        consumer: The name of the consumer.
    """

    def __init__(self, consumer: str) -> None:
        super().__init__(
            f"another consumer with the name {quoted(consumer)} has opened; give each consumer its own name"
        )
        self.consumer = consumer


class CheckpointConflict(Conflict):
    """The checkpoint does not have the expected position: another instance reports it, too.

    Continue from its position, or stop one of the instances.

    Attributes:
        name: The name of the checkpoint.
        expected: The expected position; `None` if no checkpoint was expected.
        actual: The position that it has; `None` if there is no such checkpoint.
    """

    def __init__(self, name: str, expected: int | None, actual: int | None) -> None:
        wanted = "absent" if expected is None else f"at position {expected}"
        found = "absent" if actual is None else f"at position {actual}"
        super().__init__(f"checkpoint {quoted(name)} was expected to be {wanted}, but it is {found}")
        self.name = name
        self.expected = expected
        self.actual = actual


class CheckpointNotFound(AnnalsError, LookupError):
    """There is no checkpoint of this name.

    Attributes:
        name: The name of the checkpoint.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"checkpoint {quoted(name)} does not exist")
        self.name = name
