"""Exclusions in the database: entered, withdrawn, never changed."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.silences import SilenceVersion
from sla_exporter.core.windows import Window
from sla_exporter.errors import NotPossible, StoreUnavailable
from sla_exporter.flow.exclusions import ExclusionDesk
from sla_exporter.store import tables as t
from sla_exporter.store.exclusions import Exclusions
from tests.cast import DAY, OCTOBER, at, catalogue
from tests.conftest import FixedClock

ANY = (Matcher.parse('comment=~".+"'),)


@pytest.fixture
def store(database) -> Exclusions:
    return Exclusions(database)


@pytest.fixture
def desk(store) -> ExclusionDesk:
    return ExclusionDesk(store=store, clock=FixedClock(at(2)))


def wanted(**changes) -> StatedExclusion:
    plain = {
        "key": "",
        "scope": Scope(contract="acme-web", matchers=(Matcher.parse('host=~"db\\\\d"'),)),
        "window": Window(at(5), at(5, 2)),
        "kind": ExclusionKind.EMERGENCY,
        "who": "ana",
        "why": "new disks",
    }
    return StatedExclusion(**{**plain, **changes})


def silence(updated: int, start: int, end: int, name: str = "s1") -> SilenceVersion:
    return SilenceVersion(
        id=name, updated_at_ms=updated, starts_at_ms=start, ends_at_ms=end,
        matchers=(Matcher.parse('customer="acme"'),), created_by="bob", comment="maintenance",
    )  # fmt: skip


async def test_what_is_entered_comes_back_as_it_was(desk, store):
    """With who, why, and announced now."""
    entered = await desk.add(catalogue(), wanted())

    (found,) = await store.stated(OCTOBER.span, ())

    assert found == entered
    assert entered.key == "operator/1"
    assert (entered.announced_at_ms, entered.recorded_at_ms) == (at(2), at(2))
    assert await store.stated(Window(at(6), at(7)), ()) == []


async def test_what_is_withdrawn_stays_in_the_records(desk, store):
    """Once, with who and why."""
    entered = await desk.add(catalogue(), wanted())

    await desk.withdraw(entered.key, "bob", "put off")
    (found,) = await store.stated(OCTOBER.span, ())
    with pytest.raises(NotPossible, match=r"operator/1 was withdrawn before, by bob: put off"):
        await desk.withdraw(entered.key, "ana", "again")

    assert found.withdrawn is not None
    assert (found.withdrawn.who, found.withdrawn.why) == ("bob", "put off")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"who": " "}, "say who decides this, and why"),
        ({"why": ""}, "say who decides this, and why"),
        ({"scope": Scope()}, "name a service, a contract or matchers"),
        ({"scope": Scope(service="mail")}, "there is no service 'mail'; there are: web"),
        ({"scope": Scope(contract="x")}, "there is no contract and no customer 'x'"),
        ({"window": Window(at(5), at(5))}, "must end after it begins"),
        ({"announced_at_ms": at(3)}, "cannot have been announced in the future"),
    ],
)
async def test_what_makes_no_sense_is_refused(desk, store, changes, said):
    """In a sentence; nothing is kept."""
    with pytest.raises(NotPossible, match=said):
        await desk.add(catalogue(), wanted(**changes))

    assert await store.stated(OCTOBER.span, ()) == []


@pytest.mark.parametrize("key", ["operator/7", "silence/x", "operator/x", "nonsense"])
async def test_only_what_is_there_can_be_withdrawn(desk, key):
    """The sentence names it."""
    with pytest.raises(NotPossible, match=f"there is no exclusion '{key}'"):
        await desk.withdraw(key, "ana", "why not")


async def test_what_stands_in_the_configuration_is_taken_out_there(desk):
    """The file is its record."""
    with pytest.raises(NotPossible, match="take it out there"):
        await desk.withdraw("configuration/1", "ana", "put off")


async def test_every_version_of_a_silence_is_kept_once(store):
    """However often it is read; the first sighting stays."""
    made, longer = silence(at(1), at(3), at(3, 2)), silence(at(3, 1), at(3), at(3, 3))

    assert await store.record_silences([made], at(1)) == 1
    assert await store.record_silences([made, longer], at(3, 1)) == 1
    assert await store.record_silences([made, longer], at(3, 2)) == 0
    assert await store.record_silences([], at(3, 2)) == 0

    found = await store.stated(OCTOBER.span, ANY)
    assert [(e.window, e.announced_at_ms) for e in found] == [
        (Window(at(3), at(3, 2)), at(1)),
        (Window(at(3, 2), at(3, 3)), at(3, 1)),
    ]


async def test_a_silence_that_vanished_is_still_maintenance(store):
    """Alertmanager forgets it five days after its end; the month is settled later."""
    await store.record_silences([silence(at(1), at(3), at(3, 2))], at(1))

    await store.record_silences([silence(at(20), at(21), at(22), "s2")], at(20))

    assert [e.key for e in await store.stated(OCTOBER.span, ANY)] == ["silence/s1", "silence/s2"]


async def test_an_end_that_was_cut_is_read_with_the_version_before(store):
    """A version that ended before the span cuts one that reaches into it."""
    await store.record_silences([silence(at(1), at(3), at(9)), silence(at(4), at(3), at(4))], 1)

    assert await store.stated(Window(at(5), at(10)), ANY) == []


async def test_a_silence_can_be_withdrawn_too(desk, store):
    """It was no maintenance after all."""
    await store.record_silences([silence(at(1), at(3), at(3, 2))], at(1))

    await desk.withdraw("silence/s1", "ana", "it was a false alarm")

    (found,) = await store.stated(OCTOBER.span, ANY)
    assert found.withdrawn is not None


@pytest.mark.parametrize(
    "table", [t.exclusion, t.exclusion_withdrawal, t.silence_version, t.incident_note]
)
async def test_the_database_refuses_any_change(database, desk, store, table):
    """Neither an update nor a deletion, whoever asks."""
    await desk.add(catalogue(), wanted())
    await desk.withdraw("operator/1", "ana", "put off")
    await store.record_silences([silence(at(1), at(3), at(3) + DAY)], at(1))
    column = table.c.who if "who" in table.c else table.c.comment
    if table is t.incident_note:
        await add_note(database)
    before = await rows(database, table)

    for statement in (update(table).values({column: "eve"}), delete(table)):
        with pytest.raises((DBAPIError, StoreUnavailable)):
            await execute(database, statement)

    assert await rows(database, table) == before


async def rows(database, table) -> list[tuple]:
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(select(table))]


async def execute(database, statement) -> None:
    async with database.write() as connection:
        await connection.execute(statement)


async def add_note(database) -> None:
    values = {"fingerprint": "f", "starts_at_ms": 1, "what": "added", "who": "a", "why": "b"}
    await execute(database, t.incident_note.insert().values(**values, noted_at_ms=1))
