"""Errors of the API as problem details (RFC 9457), and conditional answers (RFC 9110)."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sla_exporter.errors import (
    DecisionRefused,
    NotPossible,
    NotReady,
    StoreUnavailable,
    UnknownName,
)
from sla_exporter.web.api.models import Problem

if TYPE_CHECKING:
    from sla_exporter.errors import SlaExporterError


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        super().__init__(detail)


def problem(status: int, detail: str) -> web.Response:
    """Say what went wrong."""
    found = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    headers = {"WWW-Authenticate": 'Bearer realm="sla-exporter"'} if status == 401 else None
    return web.Response(
        status=status,
        body=found.model_dump_json().encode(),
        content_type="application/problem+json",
        headers=headers,
    )


def problem_of(error: SlaExporterError) -> web.Response:
    """Say what went wrong inside."""
    statuses = {
        DecisionRefused: 409,
        NotPossible: 409,
        NotReady: 404,
        UnknownName: 404,
        StoreUnavailable: 503,
    }
    return problem(statuses.get(type(error), 500), str(error))


def conditional(request: web.Request, content: Any) -> web.Response:
    """Answer with JSON and its ETag, or that nothing has changed since the caller's."""
    body = json.dumps(content, ensure_ascii=False).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    given = request.headers.get("If-None-Match", "")
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    if tag in known or given.strip() == "*":
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)
