"""Customers in further files: YAML by pattern, and CSV."""

from __future__ import annotations

import pytest

from tests.settings.files import SMALL, load, problems


def test_customers_in_further_files(folder):
    """YAML by pattern, and CSV; problems there carry their own file and line."""
    (folder / "customers").mkdir()
    (folder / "customers" / "birch.yml").write_text(
        "customers:\n"
        "  - {id: birch, name: Birch, currency: EUR, contracts: ["
        "{service: web, policy: gold, fee: 5, since: 2026-01-01}]}\n"
    )
    (folder / "customers.csv").write_text(
        "id,name,currency,email,service,policy,fee,since,contract,billing.file\n"
        "cedar,Cedar Clinic,EUR,a@c.example b@c.example,web,gold,7.50,2026-02-01,,77\n"
        "cedar,,,,web,gold,9.50,2026-02-01,cedar-two,\n"
    )

    config = load(folder, SMALL + "customer_files: ['customers/*.yml', customers.csv]\n")

    assert [c.id for c in config.catalogue.contracts] == [
        "acme-web",
        "birch-web",
        "cedar-web",
        "cedar-two",
    ]
    cedar = config.catalogue.contracts[2].customer
    assert cedar.email == ("a@c.example", "b@c.example")
    assert cedar.billing == {"file": "77"}


@pytest.mark.parametrize(
    ("csv", "expected"),
    [
        ("id,nmae\n", ["customers.csv:1: unknown column 'nmae'"]),
        ("name\nx\n", ["customers.csv:1: the column 'id' is missing"]),
        ("id,name,currency,service,policy,fee,since\nb,Birch,EUR,web,gold,x,2026-01-01\n",
         ["customers.csv:2: fee: 'x' is not an amount; write it as in 499.90"]),
        ("id,name,currency,service,policy,fee,since\nb,Birch,EUR,web,gold,1,2026-01-01\nb,Bush,,web,gold,2,2026-01-01\n",
         ["customers.csv:3: name is 'Bush' here and 'Birch' in an earlier row of this customer"]),
        ("id,name\na,b,c\n", ["customers.csv:2: the row has more fields than the header"]),
        ('id,name\n"a,b\n', ["customers.csv: is not valid CSV"]),
        ("id,name,currency,service,policy,fee,since\nacme,Acme,EUR,web,gold,1,2026-01-01\n",
         ["customers.csv:2: customer 'acme' is also at sla.yml:7"]),
    ],
)  # fmt: skip
def test_mistakes_in_csv_are_told_with_their_row(folder, csv, expected):
    """As if it were the main file."""
    (folder / "customers.csv").write_text(csv)

    found = problems(folder, SMALL + "customer_files: customers.csv\n")

    for sentence in expected:
        assert any(problem.startswith(sentence) for problem in found), found


def test_a_pattern_that_matches_nothing_is_a_mistake(folder):
    """Otherwise a typing error would lose all customers in silence."""
    assert problems(folder, SMALL + "customer_files: nobody/*.yml\n") == [
        "sla.yml:11: no file matches 'nobody/*.yml'"
    ]
