"""Silences as maintenance: what their versions announced, and when."""

from __future__ import annotations

import pytest

from sla_exporter.core.matchers import Matcher
from sla_exporter.core.silences import SilenceVersion, maintenance_of
from sla_exporter.core.windows import Window
from tests.cast import HOUR, at

MAINTENANCE = (Matcher.parse('comment=~"maintenance.*"'),)


def version(updated: int, start: int, end: int, **changes) -> SilenceVersion:
    plain = {
        "id": "s1",
        "updated_at_ms": updated,
        "starts_at_ms": start,
        "ends_at_ms": end,
        "matchers": (Matcher.parse('customer="acme"'),),
        "created_by": "ana",
        "comment": "maintenance: new disks",
    }
    return SilenceVersion(**{**plain, **changes})


def told(*versions: SilenceVersion, wanted=MAINTENANCE) -> list[tuple[Window, int | None]]:
    return [(e.window, e.announced_at_ms) for e in maintenance_of(versions, wanted)]


def test_a_silence_is_announced_when_it_was_made():
    """Two days before it begins."""
    made = version(at(1), at(3), at(3, 2))

    assert told(made) == [(Window(at(3), at(3, 2)), at(1))]


def test_what_it_is_prolonged_by_is_announced_then():
    """The first two hours were announced in time; the third was not."""
    made = version(at(1), at(3), at(3, 2))
    prolonged = version(at(3, 1), at(3), at(3, 3))

    assert told(prolonged, made) == [
        (Window(at(3), at(3, 2)), at(1)),
        (Window(at(3, 2), at(3, 3)), at(3, 1)),
    ]


def test_a_silence_that_is_expired_ends_there():
    """Alertmanager overwrites its end; what was before stays excluded."""
    made = version(at(1), at(3), at(3, 2))
    expired = version(at(3, 1), at(3), at(3, 1))

    assert told(made, expired) == [(Window(at(3), at(3, 1)), at(1))]


def test_a_silence_that_is_taken_back_before_it_begins_excludes_nothing():
    """Alertmanager moves its start and its end to now."""
    made = version(at(1), at(3), at(3, 2))
    deleted = version(at(2), at(2), at(2))

    assert told(made, deleted) == []


def test_a_silence_that_is_put_off_excludes_nothing_in_between():
    """Alertmanager keeps the id of one that is moved before it begins."""
    made = version(at(1), at(5, 2), at(5, 4))
    put_off = version(at(2), at(12, 2), at(12, 4))

    assert told(made, put_off) == [(Window(at(12, 2), at(12, 4)), at(2))]


def test_what_a_silence_that_is_moved_keeps_was_announced_before():
    """By an hour to either side: only the hour that is new is announced then."""
    made = version(at(1), at(5, 2), at(5, 4))
    later = version(at(2), at(5, 3), at(5, 5))
    earlier = version(at(2), at(5, 1), at(5, 3))

    assert told(made, later) == [
        (Window(at(5, 3), at(5, 4)), at(1)),
        (Window(at(5, 4), at(5, 5)), at(2)),
    ]
    assert told(made, earlier) == [
        (Window(at(5, 1), at(5, 2)), at(2)),
        (Window(at(5, 2), at(5, 3)), at(1)),
    ]


def test_what_was_in_force_stays_whatever_is_said_later():
    """An hour of it was over when somebody moved it."""
    made = version(at(1), at(5, 2), at(5, 4))
    moved = version(at(5, 3), at(6, 2), at(6, 4))

    assert told(made, moved) == [
        (Window(at(5, 2), at(5, 3)), at(1)),
        (Window(at(6, 2), at(6, 4)), at(5, 3)),
    ]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ((), 0),
        (('createdBy="ana"',), 1),
        (('createdBy="bob"',), 0),
        (('customer="acme"', 'comment=~"maint.*"'), 1),
        (('comment="maintenance"',), 0),
    ],
)
def test_only_silences_that_are_asked_for_are_maintenance(wanted, count):
    """A silence by itself excuses nothing; regular expressions are anchored."""
    found = told(version(at(1), at(3), at(3, 2)), wanted=tuple(map(Matcher.parse, wanted)))

    assert len(found) == count


def test_every_silence_stands_for_itself():
    """With who and why, and the labels that it speaks of."""
    first = version(at(1), at(3), at(3, 2))
    second = version(at(2), at(4), at(4) + HOUR, id="s2", created_by="bob")

    found = list(maintenance_of([second, first], MAINTENANCE))

    assert [(e.key, e.who) for e in found] == [("silence/s1", "ana"), ("silence/s2", "bob")]
    assert {str(m) for e in found for m in e.scope.matchers} == {'customer="acme"'}
    assert found[0].why == "maintenance: new disks"
