"""The demo's customers: who they are, and what happened to them last month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from sla_exporter.core.periods import Period

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

POLICIES: dict[str, Any] = {
    "gold": {
        "objective": "99.95%",
        "credit": {
            "tiers": [
                {"below": "99.95%", "pays": "10%"},
                {"below": "99.0%", "pays": "30%"},
                {"below": "95.0%", "pays": "100%"},
            ]
        },
    },
    "silver": {
        "objective": "99.5%",
        "credit": {"tiers": [{"below": "99.5%", "pays": "5%"}, {"below": "98.0%", "pays": "15%"}]},
        "cap": "10%",
    },
    "starter": {
        "objective": "99.9%",
        "credit": {"tiers": [{"below": "99.9%", "pays": "10%"}]},
        "minimum": {"over": "EUR 1.00"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One customer; troubles are ``(day, hour, minutes)`` from the start of the month, in UTC."""

    id: str
    name: str
    policy: str
    fee: str
    currency: str = "EUR"
    locale: str = "en"
    zone: str = "UTC"
    since_day: int | None = None
    down: tuple[tuple[int, float, float], ...] = ()
    missing: tuple[tuple[int, float, float], ...] = ()

    def windows(self, month: Period, kind: str) -> tuple[Window, ...]:
        """Give the troubles of a kind as windows."""
        start_ms = month.span.start_ms
        found = []
        for day, hour, minutes in getattr(self, kind):
            at_ms = start_ms + (day - 1) * DAY_MS + int(hour * HOUR_MS)
            found.append(Window(at_ms, at_ms + int(minutes * MINUTE_MS)))
        return tuple(found)


SAO_PAULO, BERLIN, TOKYO = "America/Sao_Paulo", "Europe/Berlin", "Asia/Tokyo"

CAST = (
    Part(
        id="acme", name="Acme Ltda", policy="gold", fee="499.90",
        currency="BRL", locale="pt_BR", zone=SAO_PAULO, down=((3, 10, 95),),
    ),
    Part(id="birch", name="Birch & Sons", policy="gold", fee="120.00"),
    Part(
        id="cedar", name="Cedar Clinic", policy="gold", fee="890.00", zone=BERLIN,
        down=((12, 2.5, 8), (12, 20, 6), (25, 4, 11)),
    ),
    Part(
        id="dune", name="Dune Logistics", policy="gold", fee="310.00",
        missing=((9, 1, 400),), down=((9, 14, 3),),
    ),
    Part(
        id="elm", name="Elm Studio", policy="silver", fee="75.50", zone=BERLIN,
        down=((5, 8, 240), (6, 8, 240), (7, 9, 500)),
    ),
    Part(
        id="fjord", name="Fjord AS", policy="gold", fee="2450.00", currency="NOK",
        zone="Europe/Oslo", down=((18, 22, 610),),
    ),
    Part(
        id="grove", name="Grove Educação", policy="silver", fee="1899.00",
        currency="BRL", locale="pt_BR", zone=SAO_PAULO,
    ),
    Part(id="hazel", name="Hazel Café", policy="starter", fee="7.90", down=((21, 12, 130),)),
    Part(id="iris", name="Iris <Media>", policy="starter", fee="19.00", down=((28, 6, 90),)),
    Part(
        id="juniper", name="ジュニパー株式会社", policy="gold", fee="48000", currency="JPY",
        zone=TOKYO, down=((15, 3, 25),),
    ),
    Part(
        id="kelp", name="Kelp Radio", policy="gold", fee="64.00", since_day=16,
        down=((2, 3, 600), (20, 17, 12)),
    ),
    Part(id="larch", name="Larch Hotel", policy="silver", fee="210.00", down=((11, 0, 2200),)),
)  # fmt: skip

HARBOR = Part(id="harbor", name="Harbor Live", policy="gold", fee="99.00")
