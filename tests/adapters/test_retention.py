"""How far back an engine reaches, as each of them tells it."""

from __future__ import annotations

import json

import pytest

from sla_exporter.sources.retention import Retention, from_flags, from_runtime_info
from tests.cast import DAY, HOUR


def certain(length_ms: int) -> Retention:
    return Retention(length_ms=length_ms, is_certain=True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("15d", certain(15 * DAY)),
        ("1y", certain(365 * DAY)),
        ("1w2d12h", certain(9 * DAY + 12 * HOUR)),
        ("15d or 10GiB", Retention(length_ms=15 * DAY, is_certain=False)),
        ("512MiB", Retention(length_ms=None, is_certain=False)),
        ("", None),
    ],
)
def test_prometheus_tells_its_retention(told, expected):
    """A limit by size may delete earlier than the one by time, so it is no promise."""
    body = json.dumps({"status": "success", "data": {"storageRetention": told}}).encode()

    assert from_runtime_info(body) == expected


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data": {"startTime": "x"}}', b"[]"])
def test_an_answer_without_a_retention_says_nothing(body):
    """Another program answers at that address, or a version that does not tell."""
    assert from_runtime_info(body) is None


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("1", certain(31 * DAY)),
        ("30d", certain(30 * DAY)),
        ("100y", certain(36_500 * DAY)),
        ("48h", certain(2 * DAY)),
    ],
)
def test_victoriametrics_tells_it_among_its_flags(flag, expected):
    """A number without a unit is months."""
    body = f'-memory.allowedPercent="60"\n-retentionPeriod="{flag}"\n-version="false"\n'.encode()

    assert from_flags(body) == expected
    assert from_flags(b'-version="false"\n') is None
