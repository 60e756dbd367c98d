"""How often Prometheus evaluates its alerting rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, ValidationError

from sla_exporter.errors import SourceUnavailable

if TYPE_CHECKING:
    from sla_exporter.sources.http import HttpApi


class _Rule(BaseModel):
    name: str


class _Group(BaseModel):
    interval: float
    rules: list[_Rule] = Field(default_factory=list)


class _Groups(BaseModel):
    groups: list[_Group] = Field(default_factory=list)


class _Answer(BaseModel):
    data: _Groups


class RuleIntervals:
    """The intervals of the groups that alerting rules stand in."""

    def __init__(self, api: HttpApi) -> None:
        self._api = api

    async def by_alert(self) -> dict[str, int]:
        """Give milliseconds by the alert's name, the longest where several rules share one.

        Engines that hold the series may know no rules; there is nothing then.
        """
        reply = await self._api.get("/api/v1/rules", type="alert")
        if 400 <= reply.status < 500 or reply.status == 501:
            return {}
        try:
            answer = _Answer.model_validate_json(reply.checked())
        except ValidationError:
            raise SourceUnavailable(f"{reply.url} gave no rules that can be read") from None
        found: dict[str, int] = {}
        for group in answer.data.groups:
            for rule in group.rules:
                interval_ms = round(group.interval * 1000)
                found[rule.name] = max(interval_ms, found.get(rule.name, 0))
        return found
