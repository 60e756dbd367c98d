"""Sources of second opinions, and the store that keeps their answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window
from sla_exporter.errors import QueryRejected, SourceUnavailable
from sla_exporter.flow.corroborate import Corroborator
from sla_exporter.sources.opinions import IN_SERIES
from sla_exporter.sources.opinions.pingdom import Pingdom
from sla_exporter.sources.opinions.series import SeriesOpinion
from sla_exporter.store.opinions import Opinions
from tests.cast import ACME, BIRCH, DAY, HOUR, MINUTE, OCTOBER, at, contract, outage
from tests.conftest import FixedClock
from tests.pingdom import FakePingdom

ACMES, BIRCHS = contract(ACME), contract(BIRCH)
DOWN = outage(3, 10, 95)


@pytest.fixture
async def fake():
    async with FakePingdom(outages={"85975": [DOWN]}) as server:
        yield server


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(at(20))


@pytest.fixture
def pingdom(fake, clock) -> Pingdom:
    return Pingdom(fake.api(), {"acme": "85975"}, tolerance_ms=MINUTE, clock=clock)


async def test_pingdom_tells_the_outages_of_a_check(fake, pingdom):
    """From and to are always given, in seconds."""
    found = await pingdom.state(ACMES, OCTOBER.span)

    assert found == SeriesState(down=(DOWN,))
    assert fake.asked == [("85975", at(1) // 1000, OCTOBER.span.end_ms // 1000)]


@pytest.mark.parametrize("clips", [True, False])
async def test_what_lies_over_an_edge_is_cut(fake, pingdom, clips):
    """Whether Pingdom does so is not documented."""
    fake.clips = clips
    span = Window(at(3, 11), at(4))

    found = await pingdom.state(ACMES, span)

    assert found.down == (Window(at(3, 11), at(3, 11, 35)),)


async def test_what_pingdom_does_not_know_is_unknown(fake, pingdom):
    """The check was paused."""
    fake.unknown = [Window(at(5), at(6))]

    assert (await pingdom.state(ACMES, OCTOBER.span)).unknown == (Window(at(5), at(6)),)


async def test_an_attribute_that_is_missing_is_no_error(fake, pingdom):
    """They say that it may be; nothing told is nothing known."""
    fake.body = '{"summary": {}}'

    assert (await pingdom.state(ACMES, OCTOBER.span)).unknown == (OCTOBER.span,)


async def test_a_long_span_is_asked_in_pieces(fake, pingdom):
    """And the pieces are put together without a seam."""
    year = Window(at(1) - 200 * DAY, OCTOBER.span.end_ms)

    found = await pingdom.state(ACMES, year)

    assert found == SeriesState(down=(DOWN,))
    assert len(fake.asked) == 8
    assert all(end - start <= 31 * 86_400 for _, start, end in fake.asked)


async def test_used_up_limits_are_heeded(fake, pingdom, clock):
    """It is not asked again before they are reset."""
    fake.remaining = 1
    await pingdom.state(ACMES, OCTOBER.span)

    with pytest.raises(SourceUnavailable, match="request limit is used up for 3589 s more"):
        await pingdom.state(ACMES, OCTOBER.span)
    assert len(fake.asked) == 1

    fake.remaining, clock.at_ms = 400, clock.at_ms + 3_589_000
    assert (await pingdom.state(ACMES, OCTOBER.span)).down == (DOWN,)


async def test_a_refusal_for_too_many_requests_is_heeded(fake, pingdom):
    """Another program may have used the limit up."""
    fake.remaining = 0
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            await pingdom.state(ACMES, OCTOBER.span)

    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"status": 503}, SourceUnavailable),
        ({"body": "<html>"}, SourceUnavailable),
        ({"outages": {}}, QueryRejected),
    ],
)
async def test_an_error_is_told(fake, pingdom, changes, error):
    """What may pass, and what a person must mend."""
    for name, value in changes.items():
        setattr(fake, name, value)

    with pytest.raises(error, match=r"summary.outage/85975"):
        await pingdom.state(ACMES, OCTOBER.span)


async def test_a_wrong_token_and_a_missing_check_are_for_a_person(fake, clock):
    """The same answer would come again."""
    wrong = Pingdom(fake.api("x"), {"acme": "85975"}, tolerance_ms=1, clock=clock)

    with pytest.raises(QueryRejected, match="answered 403"):
        await wrong.state(ACMES, OCTOBER.span)
    with pytest.raises(QueryRejected, match="no Pingdom check is named for contract birch-web"):
        await wrong.state(BIRCHS, OCTOBER.span)


async def test_one_that_hangs_is_given_up(fake, clock):
    """After the time-out."""
    fake.hangs = True
    slow = Pingdom(fake.api(timeout_s=0.05), {"acme": "85975"}, tolerance_ms=1, clock=clock)

    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        await slow.state(ACMES, OCTOBER.span)


class Points:
    """Series as Prometheus would give them; remembers the selector."""

    def __init__(self, *series: dict[int, float]) -> None:
        self.series = series
        self.selector = ""

    async def points(self, selector, span):
        self.selector = selector
        return {
            (("n", str(i)),): [(at_ms, f"{v:g}") for at_ms, v in sorted(one.items())]
            for i, one in enumerate(self.series)
        }


def every_minute(start: int, end: int, value: float) -> dict[int, float]:
    return dict.fromkeys(range(start, end, MINUTE), value)


def watching(kind: str, points: Points, **changes) -> SeriesOpinion:
    name, module = IN_SERIES[kind]
    plain = {
        "name": name, "meaning": module.meaning, "selector": module.SERIES,
        "label": module.LABEL, "monitors": {"acme": "Acme (shop)"}, "tolerance_ms": MINUTE,
    }  # fmt: skip
    return SeriesOpinion(points, **{**plain, **changes})


SPAN = Window(at(3, 10), at(3, 14))


@pytest.mark.parametrize(
    ("kind", "up", "down", "neither"),
    [("uptime_kuma", 1, 0, 3), ("uptimerobot", 2, 9, 0), ("prometheus", 1, 0, float("nan"))],
)
async def test_the_values_of_each_kind_are_understood(kind, up, down, neither):
    """Paused, pending and in maintenance is neither up nor down."""
    values = every_minute(at(3, 9), at(3, 15), up)
    values |= every_minute(at(3, 11), at(3, 12), down)
    values |= every_minute(at(3, 13), at(3, 14), neither)
    points = Points(values)

    found = await watching(kind, points).state(ACMES, SPAN)

    assert found.down == (Window(at(3, 11), at(3, 12)),)
    assert found.unknown == (Window(at(3, 13), at(3, 14)),)
    label = IN_SERIES[kind][1].LABEL
    assert points.selector.endswith(f'{{{label}=~"Acme \\\\(shop\\\\)"}}')


async def test_a_monitor_whose_labels_change_is_one_timeline():
    """An exporter that puts its state into a label starts a new series at every change."""
    first = every_minute(at(3, 9), at(3, 11), 1)
    second = every_minute(at(3, 11), at(3, 12), 0)
    third = every_minute(at(3, 12), at(3, 15), 1)

    found = await watching("uptime_kuma", Points(first, second, third)).state(ACMES, SPAN)

    assert found == SeriesState(down=(Window(at(3, 11), at(3, 12)),))


async def test_without_a_name_the_id_is_the_name():
    """Of the contract or of the customer; other matchers stay."""
    points = Points(every_minute(at(3, 9), at(3, 15), 1))

    await watching("prometheus", points, selector='up{job="x"}', monitors={}).state(ACMES, SPAN)

    assert points.selector == 'up{job="x",customer=~"acme-web|acme"}'


async def test_a_monitor_that_is_not_there_is_told():
    """It is misspelt, or was removed."""
    with pytest.raises(QueryRejected, match="Uptime Kuma has no series for contract acme-web"):
        await watching("uptime_kuma", Points()).state(ACMES, SPAN)


async def test_an_answer_is_kept_for_a_day(database, fake, pingdom, clock):
    """And asked for again after it."""
    asking = Corroborator(sources={"web": pingdom}, store=Opinions(database), clock=clock)

    first = await asking.ask(ACMES, OCTOBER.span)
    again = await asking.ask(ACMES, OCTOBER.span)
    assert first == again
    assert first is not None
    assert first.state == SeriesState(down=(DOWN,))
    assert len(fake.asked) == 1

    clock.at_ms += DAY + 1
    fake.outages["85975"] = []
    later = await asking.ask(ACMES, OCTOBER.span)
    assert later is not None
    assert later.state == SeriesState()


async def test_a_source_that_is_down_is_left_in_peace(database, fake, pingdom, clock):
    """A thousand contracts do not wait for it a thousand times."""
    asking = Corroborator(sources={"web": pingdom}, store=Opinions(database), clock=clock)
    fake.status = 500

    told = [await asking.ask(ACMES, OCTOBER.span) for _ in range(3)]

    assert {one is not None and one.state for one in told} == {None}
    assert "answered 500" in told[2].problem
    assert len(fake.asked) == 1
    fake.status, clock.at_ms = 200, clock.at_ms + HOUR
    assert (await asking.ask(ACMES, OCTOBER.span)).state is not None


async def test_a_check_that_is_missing_does_not_silence_the_others(database, fake, pingdom, clock):
    """Birch has none; Acme's is asked all the same."""
    asking = Corroborator(sources={"web": pingdom}, store=Opinions(database), clock=clock)

    birch = await asking.ask(BIRCHS, OCTOBER.span)
    acme = await asking.ask(ACMES, OCTOBER.span)

    assert "no Pingdom check" in birch.problem
    assert acme.state is not None


async def test_nobody_is_asked_about_other_services(database, pingdom, clock):
    """They have no second opinion, and need none."""
    asking = Corroborator(sources={"web": pingdom}, store=Opinions(database), clock=clock)

    assert await asking.ask(replace(ACMES, service="mail"), OCTOBER.span) is None
