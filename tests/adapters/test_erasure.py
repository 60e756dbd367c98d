"""Erasing a customer: names and addresses go, the ledger's chain stays whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import inspect, select, text, update

from sla_exporter.cli import main
from sla_exporter.core.exposure import Outlook
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.records import ERASED
from sla_exporter.core.windows import Window
from sla_exporter.ports.figures import Standing
from sla_exporter.store import tables as t
from sla_exporter.store.deliveries import Deliveries
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.erasure import erase_customer
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.personal import HANDLING
from sla_exporter.store.settlements import Settlements
from tests.adapters.test_settlement_store import posting
from tests.cast import ACME, BIRCH, NOVEMBER_3, catalogue, contract, outage, settled, telling
from tests.e2e.test_kill import configuration
from tests.office import ANA, Office


async def rows(database, table):
    async with database.read() as connection:
        return (await connection.execute(select(table))).all()


async def test_only_the_customer_is_erased_and_the_ledger_is_untouched(database):
    """Acme is gone from notices and from what a mail server said; Birch is not."""
    store = Settlements(database)
    await store.post([posting(settled(outage(3, 10, 95)))], 1)
    await store.post([posting(settled(outage(3, 10, 95), of=contract(BIRCH)))], 1)
    ledger = await rows(database, t.ledger_entry)

    erased = await erase_customer(database, "acme")

    notices = {row.key: row for row in await rows(database, t.notice)}
    (gone,) = erased.notices
    kept = next(row for key, row in notices.items() if key != gone)
    assert "acme-web" in gone
    assert (notices[gone].recipients, notices[gone].subject) == ("[]", ERASED)
    assert (notices[gone].text, notices[gone].html) == (ERASED, ERASED)
    assert ERASED not in kept.text
    assert await rows(database, t.ledger_entry) == ledger
    waiting = {row.about: row.state for row in await rows(database, t.outbox)}
    assert waiting[gone] == "parked"
    assert erased.withdrawn == 1


async def test_what_was_erased_is_not_tried_again(database):
    """Not even when everything is; Birch's notice is."""
    store = Settlements(database)
    await store.post([posting(settled(outage(3, 10, 95)))], 1)
    await store.post([posting(settled(outage(3, 10, 95), of=contract(BIRCH)))], 1)
    (gone,) = (await erase_customer(database, "acme")).notices
    async with database.write() as connection:
        await connection.execute(update(t.outbox).values(state="parked"))

    retried = await Deliveries(database).retry(None, None, 2)

    waiting = {row.about: row.state for row in await rows(database, t.outbox)}
    assert waiting.pop(gone) == "parked"
    assert set(waiting.values()) == {"pending"}
    assert len(retried) == len(waiting) > 0


async def test_erasing_again_changes_nothing(database):
    """It may be asked for twice."""
    await Settlements(database).post([posting(settled(outage(3, 10, 95)))], 1)
    await erase_customer(database, "acme")

    again = await erase_customer(database, "acme")

    assert again.withdrawn == 0
    assert again.known


async def test_what_was_erased_is_not_left_in_the_file(tmp_path):
    """SQLite would keep what was overwritten in free parts of its pages."""
    file = tmp_path / "sla.db"

    async def contains(name: bytes, *, erase: bool) -> bool:
        database = Database(sqlite_url(file))
        await database.migrate()
        if erase:
            await erase_customer(database, "acme")
        else:
            office = Office(database)
            await office.measured({"acme": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)
            await office.settle(catalogue(contract(ACME, "499.90")), NOVEMBER_3)
        await database.close()
        return name in file.read_bytes()

    assert await contains(b"Acme Ltda", erase=False)
    assert not await contains(b"Acme Ltda", erase=True)


def test_the_command_removes_files_and_says_who_is_still_configured(tmp_path: Path):
    """The next notice would be written with the name again."""
    import asyncio  # noqa: PLC0415

    async def prepare() -> None:
        database = Database(sqlite_url(tmp_path / "sla-exporter.db"))
        await database.migrate()
        await Settlements(database).post([posting(settled(outage(3, 10, 95)))], 1)
        await database.close()

    asyncio.run(prepare())
    file = tmp_path / "sla-exporter.yml"
    file.write_text(json.dumps(configuration("acme")))
    notices = tmp_path / "outbox" / "notices"
    notices.mkdir(parents=True)
    (notices / "credit~acme-web~2026-10.eml").write_text("Dear Acme")

    done = CliRunner().invoke(
        main, ["customers", "erase", "acme", "--yes", f"--config.file={file}"]
    )

    assert done.exit_code == 0, done.output
    assert "1 notices erased, 1 of them withdrawn; 1 files removed." in done.output
    assert "still in the configuration" in done.output
    assert list(notices.iterdir()) == []


def test_a_mistyped_id_does_not_pass_as_done(tmp_path: Path):
    """A sentence and exit status 1; a customer of whom nothing is stored yet is no mistake."""
    file = tmp_path / "sla-exporter.yml"
    file.write_text(json.dumps(configuration("acme")))

    def erase(customer: str):
        return CliRunner().invoke(
            main, ["customers", "erase", customer, "--yes", f"--config.file={file}"]
        )

    CliRunner().invoke(main, ["migrate", f"--config.file={file}"])
    known, unknown = erase("acme"), erase("acem")

    assert known.exit_code == 0
    assert "0 notices erased" in known.output
    assert unknown.exit_code == 1
    assert "error: no customer has the id 'acem'" in unknown.output
    assert "notices erased" not in unknown.output


def alert(customer: str) -> IncidentWindow:
    return IncidentWindow(
        fingerprint=customer.encode().hex().zfill(16),
        starts_at_ms=outage(3, 10, 95).start_ms,
        ends_at_ms=outage(3, 10, 95).end_ms,
        labels={"alertname": "SiteDown", "customer": customer},
        annotations={"summary": f"call ops@{customer}.example"},
    )


def tables_there(connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def everything(database) -> dict[str, str]:
    """Give all that stands in every table, as text."""
    async with database.read() as connection:
        names = await connection.run_sync(tables_there)
        return {
            name: str((await connection.execute(select(text("*")).select_from(text(name)))).all())
            for name in names
        }


async def test_no_name_and_no_address_is_left_in_any_table(database):
    """After a month with an alert, a credit and a correction; Birch's are all still there."""
    book, office = catalogue(contract(ACME, "499.90"), contract(BIRCH)), Office(database)
    incidents = Incidents(database)
    await incidents.keep(telling(alert("acme"), alert("birch")))
    await incidents.join()
    down = {"acme": [outage(3, 10, 95)], "birch": [outage(3, 10, 95)]}
    await office.measured(down, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)
    down["acme"].append(outage(9, 10, 500))
    await office.measured(down, until_ms=NOVEMBER_3)
    await office.again(book, "2026-10", ANA, NOVEMBER_3)
    acme, birch = ("Acme Ltda", "ops@acme.example"), ("Birch & Sons", "ops@birch.example")

    def holding(found: dict[str, str], words: tuple[str, str]) -> set[str]:
        return {name for name, rows in found.items() if any(word in rows for word in words)}

    before = await everything(database)
    await erase_customer(database, "acme")
    after = await everything(database)

    assert {"notice", "settlement_case", "incident"} <= holding(before, acme)
    assert holding(after, acme) == set()
    assert holding(after, birch) == holding(before, birch)
    assert await office.is_sound()


async def test_who_is_named_by_an_alert_alone_is_known(database):
    """And stays so, though nothing of it is left to erase; others are not."""
    incidents = Incidents(database)
    await incidents.keep(telling(alert("acme")))

    known = [(await erase_customer(database, name)).known for name in ("acme", "acme", "birch")]

    assert known == [True, True, False]


async def test_what_an_alert_says_is_erased_before_it_is_joined_too(database):
    """A request that waits would bring it back later."""
    incidents = Incidents(database)
    await Office(database).settle(catalogue(contract(ACME, "499.90")), NOVEMBER_3)
    await incidents.keep(telling(alert("acme"), alert("birch")))

    await erase_customer(database, "acme")

    found = {w.labels["customer"]: w.annotations for w in await incidents.known(Window(0, 10**15))}
    assert found == {"acme": {}, "birch": {"summary": "call ops@birch.example"}}


def naming(contract: str) -> IncidentWindow:
    return replace(
        alert("acme"),
        fingerprint=contract.encode().hex().zfill(16)[-16:],
        labels={"alertname": "SiteDown", "contract": contract},
    )


async def kept(database) -> set[str]:
    """Give the contracts whose alerts have annotations still."""
    found = await Incidents(database).known(Window(0, 10**15))
    return {window.labels["contract"] for window in found if window.annotations}


async def test_contracts_that_were_never_settled_are_theirs_too(database):
    """Those that stand in an open period, and those that are named."""
    standing = settled(of=contract(ACME, id="contract-77"))
    await Settlements(database).stand([Standing.of(standing, Outlook())])
    ids = ("contract-77", "contract-78", "contract-79")
    await Incidents(database).keep(telling(*map(naming, ids)))

    await erase_customer(database, "acme")
    assert await kept(database) == {"contract-78", "contract-79"}
    await erase_customer(database, "acme", ["contract-78"])
    assert await kept(database) == {"contract-79"}


def test_the_command_knows_the_contracts_of_the_configuration(tmp_path: Path):
    """And takes further ones."""
    import asyncio  # noqa: PLC0415

    async def at_database(work):
        database = Database(sqlite_url(tmp_path / "sla-exporter.db"))
        await database.migrate()
        try:
            return await work(database)
        finally:
            await database.close()

    ids = ("contract-1", "contract-2", "contract-3", "contract-4")
    told = telling(*map(naming, ids))
    asyncio.run(at_database(lambda database: Incidents(database).keep(told)))
    text = configuration("acme")
    text["customers"][0]["contracts"][0]["id"] = "contract-1"
    file = tmp_path / "sla-exporter.yml"
    file.write_text(json.dumps(text))
    also = ("--also-contract", "contract-2", "--also-contract", "contract-3")

    done = CliRunner().invoke(
        main, ["customers", "erase", "acme", *also, "--yes", f"--config.file={file}"]
    )

    assert done.exit_code == 0, done.output
    assert asyncio.run(at_database(kept)) == {"contract-4"}


async def test_every_table_says_what_erasing_does_to_it(database):
    """In the registry, and in the manual word for word: whoever adds a table must decide."""
    async with database.read() as connection:
        names = await connection.run_sync(tables_there)
    manual = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", manual, re.MULTILINE)

    assert HANDLING.keys() == names
    assert [(name, *handling) for name, handling in sorted(HANDLING.items())] == rows
