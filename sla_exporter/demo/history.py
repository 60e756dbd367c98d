"""History for a Prometheus: samples written as OpenMetrics and made into blocks by promtool."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.matchers import quote
from sla_exporter.demo.binaries import find
from sla_exporter.errors import SlaExporterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from sla_exporter.core.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSeries:
    """A probe series with troubles: zeros in ``down``, and no samples at all in ``missing``."""

    labels: Mapping[str, str]
    span: Window
    interval_ms: int
    down: tuple[Window, ...] = ()
    missing: tuple[Window, ...] = ()

    def samples(self) -> Iterator[tuple[int, int]]:
        """Give ``(at_ms, value)`` in order of time."""
        for at_ms in range(self.span.start_ms, self.span.end_ms, self.interval_ms):
            if not _within(at_ms, self.missing):
                yield at_ms, 0 if _within(at_ms, self.down) else 1


def _within(at_ms: int, windows: Iterable[Window]) -> bool:
    return any(start <= at_ms < end for start, end in windows)


def write_blocks(
    series: Iterable[tuple[str, Iterable[tuple[int, float]]]],
    data: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Make the blocks of a Prometheus database.

    Args:
        series: pairs of a series in OpenMetrics notation, ``name{label="value"}``, and its samples
            ``(at_ms, value)``; all of one name.
        data: the database's folder.
        tell: is told what is going on.
    """
    data.mkdir(parents=True, exist_ok=True)
    text = data.parent / "history.om"
    write_openmetrics(series, text)
    tell("writing blocks")
    # One block a month: promtool reads its whole input again for every block.
    command = [str(find("promtool")), "tsdb", "create-blocks-from", "openmetrics"]
    done = subprocess.run(
        [*command, "--quiet", "--max-block-duration=744h", str(text), str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    text.unlink()
    if done.returncode:
        raise SlaExporterError(f"promtool could not write blocks: {done.stderr[-500:]}")


def write_openmetrics(
    series: Iterable[tuple[str, Iterable[tuple[int, float]]]], path: Path
) -> None:
    """Write series, as :func:`write_blocks` takes them, into a file for promtool."""
    with path.open("w", encoding="utf-8") as stream:
        for name, samples in series:
            stream.writelines(
                f"{name} {value} {at_ms // 1000}.{at_ms % 1000:03}\n" for at_ms, value in samples
            )
        stream.write("# EOF\n")


def openmetrics_name(name: str, labels: Mapping[str, str]) -> str:
    """Write a series as OpenMetrics does."""
    return f"{name}{{{','.join(f'{k}={quote(v)}' for k, v in labels.items())}}}"
