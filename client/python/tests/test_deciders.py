"""The functional style of the toolkit against a real server."""

import asyncio
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from annals import AsyncClient, RevisionConflict, StreamNotFound
from annals.toolkit import ConflictPolicy, Decider, EventTypes

types = EventTypes()


@types.register()
@dataclass(frozen=True)
class Deposited:
    amount: int


@types.register()
@dataclass(frozen=True)
class Withdrawn:
    amount: int


@dataclass(frozen=True)
class Deposit:
    amount: int


@dataclass(frozen=True)
class Withdraw:
    amount: int


@dataclass(frozen=True)
class Account:
    balance: int = 0
    withdrawals: int = 0


Command = Deposit | Withdraw
Happened = Deposited | Withdrawn


def decide(command: Command, account: Account) -> list[Happened]:
    match command:
        case Deposit(amount):
            return [Deposited(amount)] if amount else []
        case Withdraw(amount):
            if amount > account.balance:
                raise ValueError(f"only {account.balance} left")
            return [Withdrawn(amount)]


def evolve(account: Account, event: Happened) -> Account:
    match event:
        case Deposited(amount):
            return replace(account, balance=account.balance + amount)
        case Withdrawn(amount):
            return Account(account.balance - amount, account.withdrawals + 1)


def accounts(client: AsyncClient, name: str, decide=decide, tries_max: int = 10) -> Decider[Command, Account]:
    conflicts = ConflictPolicy(tries_max=tries_max)
    return Decider(client, types, prefix=name, decide=decide, evolve=evolve, initial=Account, conflicts=conflicts)


async def test_a_command_is_decided_on_the_state(client: AsyncClient, name: str) -> None:
    decider = accounts(client, name)
    deposited = await decider.execute("1", Deposit(100))
    assert (deposited.stream, deposited.revision, deposited.events) == (f"{name}-1", 0, (Deposited(100),))
    done = await decider.execute("1", Withdraw(30))
    assert (done.state, done.revision) == (Account(70, 1), 1)
    with pytest.raises(ValueError, match="only 70 left"):
        await decider.execute("1", Withdraw(80))
    loaded = await decider.load("1")
    assert (loaded.state, loaded.revision) == (Account(70, 1), 1)
    assert (await decider.load("1", until=0)).state == Account(100)
    assert (await decider.load("none")).state == Account()


async def test_a_conflict_is_decided_again(client: AsyncClient, name: str) -> None:
    seen = []

    async def decide_late(command: Command, account: Account) -> list[Happened]:
        seen.append(account.balance)
        if len(seen) == 1:
            await accounts(client, name).execute("1", Deposit(5))
        return decide(command, account)

    done = await accounts(client, name, decide_late).execute("1", Deposit(1))
    assert seen == [0, 5]
    assert (done.state, done.revision) == (Account(6), 1)


async def test_attempts_are_bounded(client: AsyncClient, name: str) -> None:
    seen = []

    async def decide_late(command: Command, account: Account) -> list[Happened]:
        seen.append(account.balance)
        await accounts(client, name).execute("1", Deposit(5))
        return decide(command, account)

    with pytest.raises(RevisionConflict):
        await accounts(client, name, decide_late, tries_max=3).execute("1", Deposit(1))
    assert seen == [0, 5, 10]


async def test_concurrent_commands_never_overdraw_an_account(client: AsyncClient, name: str) -> None:
    decider = accounts(client, name, tries_max=100)
    await decider.execute("1", Deposit(5))
    outcomes = await asyncio.gather(*(decider.execute("1", Withdraw(1)) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, ValueError) for outcome in outcomes) == 5
    assert (await decider.load("1")).state == Account(0, 5)


async def test_nothing_is_appended_without_events(client: AsyncClient, name: str) -> None:
    done = await accounts(client, name).execute("1", Deposit(0))
    assert (done.events, done.revision, done.position, done.state) == ((), None, None, Account())
    with pytest.raises(StreamNotFound):
        await client.read_stream(f"{name}-1")


async def test_a_command_with_an_id_takes_effect_once(client: AsyncClient, name: str) -> None:
    decider, command_id = accounts(client, name), uuid4()
    done = [await decider.execute("1", Deposit(7), command_id=command_id) for _ in range(3)]
    assert [one.already_executed for one in done] == [False, True, True]
    assert {one.position for one in done} == {done[0].position}
    assert (await decider.load("1")).state == Account(7)
