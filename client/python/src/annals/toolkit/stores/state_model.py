"""The object with which handlers change a read model in state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annals import _json
from annals._arguments import text
from annals.aio import AsyncClient
from annals.state import Delete, Put, StateChange, decode_value, demand_bytes

__all__ = ["StateModel"]


class StateModel:
    """Passed to handlers of projections into state to change the read model.

    A table has keys and values. Reads return the changes that were made before. All changes are written together with
    the checkpoint, and only if no other process has moved it.
    """

    __slots__ = ("_changes", "_client", "_known", "_scopes", "bytes", "generation")

    def __init__(self, client: AsyncClient, scopes: Mapping[str, str], generation: int) -> None:
        self.generation = generation
        """The number of the generation being built."""
        self.bytes = 0
        """Bytes of all changes, for the store."""
        self._client = client
        self._scopes = scopes
        self._changes: dict[tuple[str, str], StateChange] = {}
        # The values that were read or changed, by scope and key.
        self._known: dict[tuple[str, str], bytes | None] = {}

    def put(self, table: str, key: str, value: bytes) -> None:
        """Gives a key a value: `model.put("orders", event.stream, b"created")`.

        Raises:
            InvalidValue: The key is not text, or the value is not bytes.
            KeyError: The projection has no such table.
        """
        scope = self._scope(table)
        text("key", key)
        demand_bytes("value", value)
        self._change(Put(scope, key, value), value)

    def put_json(self, table: str, key: str, value: Any) -> None:
        """Gives a key a value that is encoded as JSON.

        Raises:
            InvalidValue: The key is not text, or the value has no JSON form.
            KeyError: The projection has no such table.
        """
        self.put(table, key, _json.encode(value, None, "value"))

    def delete(self, table: str, key: str) -> None:
        """Deletes a key, if it exists."""
        scope = self._scope(table)
        text("key", key)
        self._change(Delete(scope, key), None)

    async def get(self, table: str, key: str) -> bytes | None:
        """Returns the value of a key; `None` if there is none."""
        name = self._scope(table), key
        if name not in self._known:
            entry = await self._client.get_state(*name)
            # Another coroutine of the handler may have changed it meanwhile.
            self._known.setdefault(name, None if entry is None else entry.value)
        return self._known[name]

    async def get_json(self, table: str, key: str) -> Any:
        """Returns the value of a key, decoded from JSON; `None` if there is none.

        Raises:
            UnreadableState: It is not JSON.
        """
        value = await self.get(table, key)
        return None if value is None else decode_value(self._scope(table), key, value)

    async def items(self, table: str, prefix: str = "") -> list[tuple[str, bytes]]:
        """Returns the keys that begin with a prefix, and their values, in the byte order of the keys.

        It reads them all: use it for few keys.
        """
        scope = self._scope(table)
        found = {entry.key: entry.value async for entry in self._client.state_entries(scope, prefix=prefix)}
        for (changed, key), change in self._changes.items():
            if changed == scope and key.startswith(prefix):
                found.pop(key, None)
                if isinstance(change, Put):
                    found[key] = change.value
        return sorted(found.items(), key=lambda item: item[0].encode())

    @property
    def changes(self) -> list[StateChange]:
        """The changes, at most one for each key."""
        return list(self._changes.values())

    def _change(self, change: StateChange, value: bytes | None) -> None:
        name = change.scope, change.key
        self.bytes += len(change.scope) + len(change.key) + len(value or b"")
        self._changes[name] = change
        self._known[name] = value

    def _scope(self, table: str) -> str:
        scope = self._scopes.get(table)
        if scope is None:
            raise KeyError(f"the projection has no table {table!r}; add it to `tables`")
        return scope
