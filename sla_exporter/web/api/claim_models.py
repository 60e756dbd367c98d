"""What the API answers and takes about claims."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, model_validator

from sla_exporter.core.claims import ClaimResult
from sla_exporter.web.api.models import NUMBER, Model, Paging


class ClaimRequest(Model):
    """A claim of a customer.

    ``start`` and ``end`` are when the customer says the service was down; without them the whole
    period is meant. Without ``received`` it came now.
    """

    contract: str = Field(max_length=200)
    period: str = Field(max_length=50)
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    received: AwareDatetime | None = None
    ticket: str = Field(default="", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    ticket_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _whole_window(self) -> ClaimRequest:
        if (self.start is None) != (self.end is None):
            raise ValueError("give both start and end, or none")
        if self.start and self.end and self.start >= self.end:
            raise ValueError("the end comes before the start")
        return self


class Claim(Model):
    """A claim and what came of it; ``state`` is how its settlement stands."""

    number: int | None
    settlement: str
    contract: str
    result: str
    reasons: list[str]
    state: str | None
    channel: str
    by: str
    received: str
    start: str | None
    end: str | None
    ticket: str
    ticket_at: str | None


class ClaimQuery(Paging):
    """Filters of claims."""

    after: str = Field(default="", pattern=NUMBER)
    settlement: str | None = None
    contract: str | None = None
    result: ClaimResult | None = None
