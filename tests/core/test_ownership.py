"""Which contracts a series speaks of."""

from __future__ import annotations

from dataclasses import replace

from sla_exporter.core.matchers import Matcher
from sla_exporter.core.ownership import Ownership
from tests.cast import ACME, BIRCH, CEDAR, WEB, contract


def owners(contracts, service=WEB, **labels) -> list[str]:
    return [found.id for found in Ownership(service, contracts).owners(labels)]


CONTRACTS = [contract(ACME), contract(BIRCH), contract(CEDAR)]


def test_a_label_names_the_customer():
    """The service says which label that is."""
    assert owners(CONTRACTS, customer="birch", instance="b") == ["birch-web"]
    assert owners(CONTRACTS, instance="b") == []
    assert owners(CONTRACTS, customer="unknown") == []


def test_a_label_may_name_the_contract():
    """For customers with several contracts."""
    two = [contract(ACME, id="shop"), contract(ACME, id="blog")]

    assert owners(two, customer="shop") == ["shop"]
    assert owners(two, customer="acme") == ["shop", "blog"]


def test_matchers_take_the_place_of_the_label():
    """A contract with matchers owns what they match, and nothing else."""
    picky = contract(ACME, matchers=(Matcher.parse('instance=~"https://acme.*"'),))
    exact = contract(BIRCH, matchers=(Matcher.parse('instance="b"'), Matcher.parse('region!="us"')))

    assert owners([picky, exact], instance="https://acme.example/", customer="birch") == [
        "acme-web"
    ]
    assert owners([picky, exact], instance="b", region="eu") == ["birch-web"]
    assert owners([picky, exact], instance="b", region="us") == []


def test_without_label_and_matchers_nothing_is_owned():
    """Cedar is not credited for somebody else's outage."""
    assert owners(CONTRACTS, replace(WEB, contract_label=None), customer="cedar") == []
