"""Brakes and the key of evidence packs, as the operator writes them."""

from __future__ import annotations

import pytest

from sla_exporter.core.brakes import CAREFUL, Budget
from sla_exporter.core.money import Money
from sla_exporter.errors import ConfigInvalid
from tests.cast import share
from tests.settings.files import SMALL, load


def loaded(tmp_path, more: str):
    return load(tmp_path, SMALL + more)


def test_without_a_word_the_brakes_are_careful(tmp_path):
    """Nobody has to know of them to be safe."""
    config = loaded(tmp_path, "")

    assert config.brakes == CAREFUL
    assert config.evidence_key is None


def test_every_limit_can_be_set(tmp_path):
    """What is not named keeps its careful value."""
    config = loaded(
        tmp_path,
        """
brakes:
  outage: 5%
  at_least: 3
  max_credit: [EUR 500.00, BRL 2500.00]
  max_share_of_fee: null
  run: {credits: 50, total: EUR 1000.00}
  period: {share_of_fees: null}
evidence: {key: sesame}
""",
    )

    found = config.brakes
    assert (found.outage, found.at_least) == (share("5"), 3)
    assert found.most == (Money.of("500.00", "EUR"), Money.of("2500.00", "BRL"))
    assert found.most_of_fee is None
    assert found.run == Budget(
        count=50, sums=(Money.of("1000.00", "EUR"),), share=CAREFUL.run.share
    )
    assert found.period == Budget()
    assert config.evidence_key == "sesame"
    assert "sesame" not in repr(config)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("brakes: {outage: 0.2}", "'0.2' is not a percentage"),
        ("brakes: {at_least: few}", "'few' is not a number of things"),
        ("brakes: {max_credit: 500}", "'500' is not an amount"),
        ("brakes: {run: {count: 5}}", "count"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, line, said):
    """File, line, and what to write instead."""
    with pytest.raises(ConfigInvalid) as caught:
        loaded(tmp_path, f"{line}\n")

    assert said in str(caught.value)
    assert "sla.yml:" in str(caught.value)
