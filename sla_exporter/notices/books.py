"""The ledger for other programs: CSV, JSON lines, and beancount."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

from sla_exporter.core.money import Money
from sla_exporter.core.periods import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sla_exporter.core.audit import Line
    from sla_exporter.core.ledger import Entry

COLUMNS = (
    "seq",
    "posted_at",
    "key",
    "kind",
    "reference",
    "customer",
    "contract",
    "policy",
    "settlement",
    "form",
    "amount",
    "currency",
    "extension_days",
    "may_terminate",
    "expires_at",
    "about",
    "by",
    "note",
    "previous_hash",
    "hash",
)


def line_json(line: Line) -> dict[str, object]:
    """Give a line as plain JSON values; the amount is text, as JSON numbers are floats."""
    entry = line.entry
    expires = entry.expires_at_ms
    values = (
        line.seq,
        utc_text(entry.posted_at_ms),
        entry.key,
        entry.kind.value,
        entry.reference,
        entry.customer,
        entry.contract,
        entry.policy,
        entry.settlement,
        entry.form.value,
        str(entry.amount.amount),
        entry.amount.currency,
        str(entry.extension_days),
        entry.may_terminate,
        None if expires is None else utc_text(expires),
        entry.about,
        entry.by,
        entry.note,
        line.previous_hash,
        line.hash,
    )
    return dict(zip(COLUMNS, values, strict=True))


def jsonl(line: Line) -> Iterator[str]:
    """Write a line as JSON."""
    yield json.dumps(line_json(line), ensure_ascii=False)


def as_csv(line: Line) -> Iterator[str]:
    """Write a line as comma-separated values, under a header before the first one."""
    rows = [COLUMNS] if line.seq == 1 else []
    values = (_guarded(value) for value in line_json(line).values())
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([*rows, tuple(values)])
    yield stream.getvalue().rstrip("\n")


def _guarded(value: object) -> object:
    """Keep spreadsheets from taking what a person wrote for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "@"} else text


class Beancount:
    """Writes double entries: what credits cost, against what customers have.

    Accounts are opened where they are first used.
    """

    def __init__(self) -> None:
        self._opened: set[str] = set()

    def __call__(self, line: Line) -> Iterator[str]:
        """Write one transaction."""
        entry = line.entry
        day = utc_text(entry.posted_at_ms)[:10]
        cost = f"Expenses:SLA:{_account(entry.policy)}"
        name = "Credited" if entry.kind.is_credited else "Carried"
        owed = f"Liabilities:SLA:{name}:{_account(entry.contract)}"
        for account in (cost, owed):
            if account not in self._opened:
                self._opened.add(account)
                yield f"{day} open {account}"
        yield from _transaction(day, entry, cost, owed)


def _transaction(day: str, entry: Entry, cost: str, owed: str) -> Iterator[str]:
    amount = entry.amount
    against = Money(minor=-amount.minor, currency=amount.currency)
    yield f'{day} * "{_text(entry.customer)}" "{entry.kind.value} {_text(entry.settlement)}"'
    yield f'  key: "{_text(entry.key)}"'
    yield f'  reference: "{entry.reference}"'
    if entry.note:
        yield f'  note: "{_text(entry.note)}"'
        yield f'  by: "{_text(entry.by)}"'
    yield f"  {cost}  {amount.amount} {amount.currency}"
    yield f"  {owed}  {against.amount} {against.currency}"
    yield ""


def _account(name: str) -> str:
    """Write a name as part of an account: letters, digits and dashes, the first one capital."""
    clean = re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-") or "X"
    return clean[0].upper() + clean[1:]


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


FORMATS: dict[str, Callable[[], Callable[[Line], Iterator[str]]]] = {
    "csv": lambda: as_csv,
    "jsonl": lambda: jsonl,
    "beancount": Beancount,
}
