"""Stretches of downtime that hit only a share of the users, in the database."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from sla_exporter.core.affected import Partial, replaced_within
from sla_exporter.core.windows import Window
from sla_exporter.store import tables as t
from sla_exporter.store.labels import labels_to_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from sla_exporter.ports import Labels


def replace_partials(
    connection: Connection,
    service: str,
    span: Window,
    found: Mapping[Labels, Sequence[Partial]],
) -> None:
    """Forget what was known inside the span, and note what was found."""
    old = partials_touching(connection, service, span)
    if not old and not found:
        return
    new = {labels_to_text(labels): partials for labels, partials in found.items()}
    c = t.partial_window.c
    connection.execute(
        delete(t.partial_window).where(
            c.service == service, c.end_ms >= span.start_ms, c.start_ms <= span.end_ms
        )
    )
    rows = [
        {
            "service": service,
            "labels": labels,
            "start_ms": window.start_ms,
            "end_ms": window.end_ms,
            "share": str(share),
        }
        for labels in old.keys() | new.keys()
        for window, share in replaced_within(old.get(labels, ()), span, new.get(labels, ()))
    ]
    if rows:
        connection.execute(insert(t.partial_window), rows)


def partials_touching(
    connection: Connection, service: str, span: Window
) -> dict[str, list[Partial]]:
    """Give the stretches of a service that touch the span, by the text of the labels."""
    c = t.partial_window.c
    query = (
        select(c.labels, c.start_ms, c.end_ms, c.share)
        .where(c.service == service, c.end_ms >= span.start_ms, c.start_ms <= span.end_ms)
        .order_by(c.labels, c.start_ms)
    )
    found: dict[str, list[Partial]] = {}
    for labels, start, end, share in connection.execute(query):
        found.setdefault(labels, []).append(Partial(Window(start, end), Fraction(share)))
    return found
