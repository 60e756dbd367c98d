"""Customers in further files: YAML like the main file, or CSV as billing systems export it.

A CSV row is a customer and one contract. A customer with several contracts has several rows, of
which only the first needs the customer's own columns.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from sla_exporter.core.problems import Place, Problem
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.document import Document, read_file

if TYPE_CHECKING:
    from pathlib import Path

CUSTOMER_COLUMNS = ("id", "name", "currency", "locale", "zone", "email")
CONTRACT_COLUMNS = ("service", "policy", "fee", "since", "until", "contract", "matchers")
BILLING = "billing."


def read_customers(path: Path, name: str) -> Document:
    """Read a file of customers as a document of the shape ``{"customers": [...]}``."""
    return _read_csv(path, name) if path.suffix == ".csv" else read_file(path, name)


def _read_csv(path: Path, name: str) -> Document:
    document = Document(file=name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restkey="", strict=True)
            _check_columns(document, list(reader.fieldnames or ()))
            customers: dict[str, int] = {}
            document.value = {"customers": []}
            for row in reader:
                _take_row(document, customers, row, reader.line_num)
    except OSError as error:
        raise ConfigInvalid([Problem(Place(name), f"cannot be read: {error.strerror}")]) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigInvalid([Problem(Place(name), f"is not valid CSV: {error}")]) from None
    return document


def _check_columns(document: Document, columns: list[str]) -> None:
    allowed = {*CUSTOMER_COLUMNS, *CONTRACT_COLUMNS}
    unknown = [c for c in columns if c not in allowed and not c.startswith(BILLING)]
    for column in unknown:
        message = f"unknown column {column!r}; there are {', '.join(sorted(allowed))}, {BILLING}*"
        document.problems.append(Problem(Place(document.file, 1), message))
    if "id" not in columns:
        document.problems.append(Problem(Place(document.file, 1), "the column 'id' is missing"))


def _take_row(
    document: Document, customers: dict[str, int], row: dict[str, Any], line: int
) -> None:
    if "" in row:
        message = "the row has more fields than the header"
        document.problems.append(Problem(Place(document.file, line), message))
        return
    given = {column: value.strip() for column, value in row.items() if value and value.strip()}
    listed = document.value["customers"]
    index = customers.get(given.get("id", ""))
    if index is None:
        index = len(listed)
        customers[given.get("id", "")] = index
        listed.append({"contracts": []})
        document.lines["customers", index] = line
    customer = listed[index]
    for column in CUSTOMER_COLUMNS:
        if column in given:
            _merge(document, customer, column, given[column], line)
    for column, value in given.items():
        if column.startswith(BILLING):
            billing = customer.setdefault("billing", {})
            _merge(document, billing, column.removeprefix(BILLING), value, line)
    contract = {c: given[c] for c in CONTRACT_COLUMNS if c in given}
    if "contract" in contract:
        contract["id"] = contract.pop("contract")
    document.lines["customers", index, "contracts", len(customer["contracts"])] = line
    customer["contracts"].append(contract)


def _merge(document: Document, into: dict[str, Any], key: str, value: str, line: int) -> None:
    given = value.split() if key == "email" else value
    if into.setdefault(key, given) != given:
        message = f"{key} is {value!r} here and {into[key]!r} in an earlier row of this customer"
        document.problems.append(Problem(Place(document.file, line), message))
