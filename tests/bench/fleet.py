"""A large fleet in a real Prometheus, with a little trouble in it."""

from __future__ import annotations

import random
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.catalogue import Service
from sla_exporter.core.sli.probe import Probe
from sla_exporter.demo.binaries import find
from sla_exporter.demo.servers import prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERVAL_S = 60
END_S = 1_790_000_000 // 86_400 * 86_400
_TOKEN = b"##########"  # as long as a timestamp

SERVICE = Service(
    name="web",
    sli=Probe(selector="up", interval_ms=INTERVAL_S * 1000),
    contract_label="c",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """So many series, one sample a minute; so many of their hours have an outage or a gap."""

    series: int = 1_000
    days: int = 30
    unclean: float = 0.002

    @property
    def start_ms(self) -> int:
        """The first moment that is measured."""
        return (END_S - self.days * 86_400) * 1000

    @property
    def end_ms(self) -> int:
        """The end of all samples."""
        return END_S * 1000

    def troubles(self) -> dict[int, dict[int, str]]:
        """Give the bad (0) and missing (.) samples, by slot and series."""
        rng = random.Random(f"{self}")
        found: dict[int, dict[int, str]] = {}
        for number in range(self.series):
            for hour in range(self.days * 24):
                if rng.random() < self.unclean:
                    kind, first = rng.choice("0."), hour * 60 + rng.randrange(60)
                    for slot in range(first, first + rng.randrange(1, 20)):
                        found.setdefault(slot, {})[number] = kind
        return found

    def write(self, file: Path) -> None:
        """Write all samples as OpenMetrics; each series keeps its own second of the minute."""
        troubles = self.troubles()
        lines = [b'up{c="c%d"} 1 %b\n' % (n, _TOKEN) for n in range(self.series)]
        groups: dict[int, list[int]] = {}
        for number in range(self.series):
            groups.setdefault(number % INTERVAL_S, []).append(number)
        clean = {second: b"".join(lines[n] for n in group) for second, group in groups.items()}
        with file.open("wb", buffering=1 << 24) as stream:
            for slot in range(self.days * 1440):
                trouble = troubles.get(slot, {})
                for second, group in groups.items():
                    text = clean[second]
                    if not trouble.keys().isdisjoint(group):
                        text = b"".join(_line(n, lines[n], trouble) for n in group)
                    at = END_S - self.days * 86_400 + slot * INTERVAL_S + second
                    stream.write(text.replace(_TOKEN, b"%d" % at))
            stream.write(b"# EOF\n")


def _line(number: int, line: bytes, trouble: dict[int, str]) -> bytes:
    kind = trouble.get(number)
    return b"" if kind == "." else line.replace(b"} 1 ", b"} 0 ") if kind else line


@contextmanager
def served(fleet: Fleet, folder: Path) -> Iterator[str]:
    """Serve the fleet from a real Prometheus, and give its URL."""
    text = folder / "fleet.om"
    fleet.write(text)
    command = [str(find("promtool")), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    command += ["--max-block-duration=744h", str(text), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()
    with prometheus(folder, {"global": {"scrape_interval": "1m"}}) as server:
        yield server.url
