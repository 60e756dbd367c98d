"""What measuring anew changed, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sla_exporter.cli.tables import table
from sla_exporter.core.settled import Settled
from sla_exporter.notices.report import COLUMNS, row, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_exporter.flow.again import Resettled


def differences(found: Sequence[Resettled], output: str) -> str:
    """Write what differs: a line for what was settled, and one for what is measured now."""
    changed = [one for one in found if one.differs]
    if output == "json":
        pairs = [
            {"settled": to_json(o.old), "measured": to_json(Settled.of(o.new))} for o in changed
        ]
        return json.dumps(pairs, indent=2, ensure_ascii=False)
    summary = f"{len(found)} settlements measured anew; {len(changed)} would differ."
    if not changed:
        return f"{summary} Nothing was written."
    return f"{table(('', *COLUMNS), _rows(changed))}\n\n{summary} Nothing was written."


def _rows(changed: Sequence[Resettled]) -> Iterator[tuple[str, ...]]:
    for one in changed:
        yield "settled", *row(one.old)
        yield "now", *row(Settled.of(one.new))
