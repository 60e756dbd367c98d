"""The table of the API's routes: who may call them, what they take and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.ports.api import Scope
from sla_exporter.web.api import claim_models as cm
from sla_exporter.web.api import models as m

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route; ``name`` is the method of the API that answers it."""

    method: str
    path: str
    name: str
    summary: str
    scope: Scope | None = Scope.READ
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None


def _get(path: str, name: str, summary: str, answer: type[BaseModel], **more: object) -> Route:
    return Route(method="GET", path=ROOT + path, name=name, summary=summary, answer=answer, **more)  # type: ignore[arg-type]


def _post(
    path: str,
    name: str,
    summary: str,
    body: type[BaseModel],
    answer: type[BaseModel] = m.Decided,
) -> Route:
    return Route(
        method="POST",
        path=ROOT + path,
        name=name,
        summary=summary,
        scope=Scope.OPERATE,
        body=body,
        answer=answer,
    )


_ONE = "/{contract}/{period}"

API = (
    _get(
        "/settlements",
        "settlements",
        "Settlements with their reasoning",
        m.Page[m.Settlement],
        query=m.SettlementQuery,
    ),
    _get(f"/settlements{_ONE}", "settlement", "One settlement", m.Settlement),
    _get(
        "/incidents",
        "incidents",
        "What Alertmanager told",
        m.Page[m.Incident],
        query=m.IncidentQuery,
    ),
    _get(
        "/exclusions",
        "exclusions",
        "Windows that are not to count, wherever they were stated",
        m.Page[m.Exclusion],
        query=m.Paging,
    ),
    _post("/exclusions", "exclude", "Enter a window", m.ExclusionRequest, m.Exclusion),
    _post(
        "/exclusions/withdraw",
        "withdraw",
        "Take a window back",
        m.WithdrawalRequest,
        m.Withdrawn,
    ),
    _get(
        "/credits",
        "credits",
        "What is owed, held or given",
        m.Page[m.Credit],
        query=m.SettlementQuery,
    ),
    _get(f"/credits{_ONE}/evidence", "evidence", "The evidence pack of a credit", m.Evidence),
    _post("/credits/approve", "approve", "Release held credits", m.DecisionRequest),
    _post("/credits/reject", "reject", "Let nothing come of held credits", m.DecisionRequest),
    _post(
        "/credits/adjust", "adjust", "Release a held credit with another amount", m.AdjustRequest
    ),
    _get("/claims", "claims", "What customers claimed", m.Page[cm.Claim], query=cm.ClaimQuery),
    _post("/claims", "claim", "Enter the claim of a customer", cm.ClaimRequest, cm.Claim),
    _get(
        "/decisions",
        "decisions",
        "Who decided what, why and when",
        m.Page[m.Decision],
        query=m.DecisionQuery,
    ),
    _get("/ledger", "ledger", "The ledger's entries", m.Page[m.Entry], query=m.LedgerQuery),
    _get("/balances", "balances", "What they add up to", m.Page[m.Balance], query=m.CustomerQuery),
    _get("/customers", "customers", "Customers", m.Page[m.Customer], query=m.Paging),
    _get("/contracts", "contracts", "Contracts", m.Page[m.Contract], query=m.CustomerQuery),
    _get(
        "/exposure",
        "exposure",
        "What open periods would cost",
        m.Page[m.Exposure],
        query=m.CustomerQuery,
    ),
    Route(
        method="GET",
        path=f"{ROOT}/openapi.json",
        name="openapi",
        summary="This description",
        scope=None,
    ),
)
