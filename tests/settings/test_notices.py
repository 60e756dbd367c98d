"""The section on notices: what it means, and what cannot be done here."""

from __future__ import annotations

from importlib import util

import pytest

from sla_exporter.errors import ConfigInvalid
from sla_exporter.outward import notice_sink_of, paces_of, routes_of, sinks_of
from sla_exporter.ports.notices import Pace
from sla_exporter.settings import load_config, notices
from sla_exporter.settings.config import OutageNotices
from sla_exporter.sinks.registry import sink_kinds
from sla_exporter.sinks.whmcs_notices import WhmcsNotices
from tests.conftest import FixedClock
from tests.settings.files import SMALL

WHMCS = "billing: {whmcs: {url: 'https://b.example', identifier: i, secret: s}}\n"


@pytest.fixture
def read(tmp_path):
    def load(text: str):
        (tmp_path / "sla.yml").write_text(SMALL + text)
        return load_config(tmp_path / "sla.yml", sink_kinds())

    return load


def test_what_is_not_said_is_careful(read):
    """One mail for several contracts; outages are told by the statement only; nothing is held."""
    config = read("")

    assert config.notices.gather_ms == 15 * 60_000
    assert config.notices.outages is None
    assert (routes_of(config).hold, paces_of(config), notice_sink_of(config)) == (False, {}, "file")


def test_everything_can_be_said(read, tmp_path):
    """With units."""
    (tmp_path / "own.ttf").write_bytes(b"")
    config = read(
        WHMCS
        + "notices: {through: whmcs, gather: 1h, outages: {after: 5m}, hold: true, first: 20,\n"
        "  wait: 45m, credit_note: pdf, credit_note_font: own.ttf}\n"
    )

    assert config.notices.outages == OutageNotices(after_ms=300_000, pause_ms=3_600_000)
    assert (config.notices.credit_note, config.notices.credit_note_font) == (
        True,
        tmp_path / "own.ttf",
    )
    assert paces_of(config) == {"whmcs": Pace(first=20, wait_ms=45 * 60_000)}
    assert routes_of(config).hold
    assert isinstance(sinks_of(config, FixedClock(0)).notices["whmcs"], WhmcsNotices)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("notices: {through: whmcs}\n", "through: there is no 'whmcs' under billing"),
        (
            "billing: {stripe: {api_key: k}}\nnotices: {through: stripe}\n",
            "through: notices can go through WHMCS only, and 'stripe' is of type 'stripe'",
        ),
        (
            "notices: {credit_note: pdf, credit_note_font: nowhere.ttf}\n",
            "credit_note_font: there is no file nowhere.ttf",
        ),
        ("notices: {first: 0}\n", "first: "),
    ],
)
def test_what_cannot_be_done_is_said_with_the_line(read, text, said):
    """Before anything runs."""
    with pytest.raises(ConfigInvalid) as error:
        read(text)

    assert [said in str(problem) for problem in error.value.problems].count(True) == 1
    assert "sla.yml:" in str(error.value)


def test_a_credit_note_without_the_extra_is_said(read, monkeypatch):
    """With what to install."""
    monkeypatch.setattr(
        notices, "find_spec", lambda name: None if name == "fpdf" else util.find_spec(name)
    )

    with pytest.raises(ConfigInvalid, match=r"pip install 'sla-exporter\[pdf\]'"):
        read("notices: {credit_note: pdf}\n")
