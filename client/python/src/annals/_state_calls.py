"""The calls about state: reading, writing and following entries of scopes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from uuid import UUID

from annals import _rpc
from annals._arguments import UINT32_MAX, optional_integer, shown, text
from annals._retry import Caller
from annals.conflicts import ConflictPolicy
from annals.errors import ChecksFailed, InvalidValue
from annals.event import new_id
from annals.state import (
    Delete,
    Put,
    StateChange,
    StateCheck,
    StateEntry,
    StatePage,
    StateRead,
    StateWritten,
    check_of,
    through_json,
    to_change,
    to_check,
    to_entry,
    to_page,
    to_written,
)
from annals.state_subscription import StateSubscription
from annals.v1 import state_pb2 as pb

# Maximum number of entries per page, from the protocol.
_PAGE_ENTRIES = 1_000


class StateCalls:
    """The part of `AsyncClient` for state."""

    _caller: Caller
    _timeout: float

    async def get_state(self, scope: str, key: str) -> StateEntry | None:
        """Returns an entry; `None` if there is none. A read that begins after a write was acknowledged sees it.

        Raises:
            InvalidField: The scope or the key is malformed.
        """
        return (await self.get_state_with_version(scope, key)).entry

    async def get_state_with_version(self, scope: str, key: str) -> StateRead:
        """Returns an entry together with the version of its scope, after which a subscription may begin.

        Raises:
            InvalidField: The scope or the key is malformed.
        """
        text("scope", scope)
        text("key", key)
        answer = await self._caller.unary(_rpc.GET_STATE, pb.GetStateRequest(scope=scope, key=key), self._timeout)
        entry = to_entry(scope, answer.entry) if answer.HasField("entry") else None
        return StateRead(entry, answer.scope_version)

    async def list_state(
        self, scope: str, *, prefix: str = "", after: str = "", page_size: int | None = None
    ) -> StatePage:
        """Returns a page of the entries of a scope, in the byte order of their keys.

        Args:
            scope: The scope.
            prefix: Only entries whose keys begin with it.
            after: Only entries whose keys come after this one: the last key of the page before.
            page_size: Maximum number of entries, 1 to 1,000. By default 100. A page whose values are large may have
                fewer.

        Raises:
            InvalidField: An argument is malformed or out of range.
        """
        text("scope", scope)
        text("prefix", prefix)
        text("after", after)
        optional_integer("page_size", page_size, most=UINT32_MAX)
        request = pb.ListStateRequest(scope=scope, key_prefix=prefix, after_key=after, page_size=page_size)
        return to_page(scope, await self._caller.unary(_rpc.LIST_STATE, request, self._timeout))

    async def state_entries(self, scope: str, *, prefix: str = "") -> AsyncIterator[StateEntry]:
        """Returns the entries of a scope, in the byte order of their keys, page by page.

        Each page is as of its own time: an entry that changes meanwhile is returned at most once, as it was or as it
        is.
        """
        after, more = "", True
        while more:
            page = await self.list_state(scope, prefix=prefix, after=after, page_size=_PAGE_ENTRIES)
            for entry in page.entries:
                yield entry
                after = entry.key
            more = page.has_more

    async def write_state(
        self,
        changes: Iterable[StateChange],
        *,
        checks: Iterable[StateCheck] = (),
        id: UUID | None = None,  # noqa: A002
    ) -> StateWritten:
        """Changes entries of any number of scopes, all or none, if every check passes.

        Every attempt sends the same id, so nothing is written twice. For a caller that repeats a write after
        `DeadlineExceeded` or `Unreachable`, the same holds with an id of its own: for a day, a write whose id is known
        returns the first result.

        Args:
            changes: 1 to 1,000 changes of different entries.
            checks: The checks, at most 1,000 of different entries. Nothing is written unless all of them pass.
            id: Identifies the write. By default a new one.

        Raises:
            ChecksFailed: One or more checks failed; the error lists them.
            StateIdConflict: The id was already used by a different write.
            InvalidField: A scope or a key is malformed, or an entry occurs twice.
            TooLarge: A value, or the whole write, exceeds the server's limit.
        """
        if not isinstance(id, UUID | None):
            raise InvalidValue("id", f"is {shown(id)}; give a UUID")
        request = pb.WriteStateRequest(
            id=str(new_id() if id is None else id),
            changes=[to_change(change, f"changes[{nth}]") for nth, change in enumerate(changes)],
            checks=[to_check(check, f"checks[{nth}]") for nth, check in enumerate(checks)],
        )
        return to_written(await self._caller.unary(_rpc.WRITE_STATE, request, self._timeout))

    async def update_state(
        self,
        scope: str,
        key: str,
        function: Callable[[bytes | None], bytes | None],
        *,
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> StateEntry | None:
        """Changes an entry based on its value, so that no change of another client is lost.

        After a conflict, the entry is read and the function is called again.

        Args:
            scope: The scope.
            key: The key.
            function: Gets the value (`None` if there is no entry), and returns the new one, or `None` to delete the
                entry. May be called several times.
            conflicts: How often this is repeated after a conflict, and after which pauses.

        Returns the entry as written; `None` if it was deleted, or if there was none.

        Raises:
            ChecksFailed: The entry was changed by another client during every attempt.
            InvalidField: The scope or the key is malformed.
            TooLarge: The value exceeds the server's limit.
        """
        failed = 0
        while True:
            entry = await self.get_state(scope, key)
            value = function(None if entry is None else entry.value)
            try:
                return await self._replace(scope, key, entry, value)
            except ChecksFailed:
                failed += 1
                if failed >= conflicts.tries_max:
                    raise
                await conflicts.pause(failed)

    async def update_state_json(
        self,
        scope: str,
        key: str,
        function: Callable[[Any], Any],
        *,
        conflicts: ConflictPolicy = ConflictPolicy(),  # noqa: B008
    ) -> StateEntry | None:
        """Changes an entry whose value is JSON; otherwise like `update_state`.

        The function gets and returns decoded values. `None` stands for no entry, so it can't write `null`.

        Raises:
            UnreadableState: The value of the entry is not JSON.
            InvalidValue: The new value has no JSON form.
        """
        return await self.update_state(scope, key, through_json(scope, key, function), conflicts=conflicts)

    def subscribe_state(
        self,
        scope: str,
        *,
        prefix: str = "",
        after: int | None = None,
        reconnect_timeout: float | None = None,
    ) -> StateSubscription:
        """Subscribes to a scope, which need not exist yet: its entries, then changes. It resumes automatically.

        Iterate over the result, or await it first. Updates are returned in the order of their versions. A subscriber
        that is slower than the changes gets the latest value of each key, not each change.

        Args:
            scope: The scope.
            prefix: Returns only entries whose keys begin with it.
            after: Returns only changes after this version, that of the last item processed. By default all entries
                first.
            reconnect_timeout: How long reconnecting is tried after a lost connection, in seconds, before the
                subscription fails. By default without a limit.

        Raises (when awaited or iterated over):
            StateVersionExpired: A deletion after that version is no longer known. Forget all entries, and subscribe
                without `after`. Also raised later, if the subscriber is so slow that it misses a deletion.
            StateVersionBeyondEnd: The version does not exist in this store.
            InvalidField: The scope or the prefix is malformed.
            Overloaded: The server's limit of subscriptions is reached.
        """
        return StateSubscription(
            self._caller, self._timeout, scope, prefix=prefix, after=after, reconnect_timeout=reconnect_timeout
        )

    async def _replace(self, scope: str, key: str, entry: StateEntry | None, value: bytes | None) -> StateEntry | None:
        """Writes the new value of an entry that has not changed since it was read; `None` deletes it."""
        checks = [check_of(scope, key, entry)]
        if value is None:
            if entry is not None:
                await self.write_state([Delete(scope, key)], checks=checks)
            return None
        written = await self.write_state([Put(scope, key, value)], checks=checks)
        return StateEntry(scope, key, value, written.versions[0], written.changed_at)
