"""The OpenAPI 3.1 description, made from the table of routes and the models."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from sla_exporter import __version__
from sla_exporter.web.api import models as m
from sla_exporter.web.api.routes import API

if TYPE_CHECKING:
    from pydantic import BaseModel

    from sla_exporter.web.api.routes import Route

_REF = "#/components/schemas/{model}"


@cache
def description() -> dict[str, Any]:
    """Describe every route."""
    models: set[type[BaseModel]] = {m.Problem}
    models |= {x for r in API for x in (r.query, r.body, r.answer) if x}
    ordered = sorted(models, key=lambda model: model.__name__)
    names, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REF
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in API:
        found = _operation(route, names, schemas["$defs"])
        paths.setdefault(route.path, {})[route.method.lower()] = found
    return {
        "openapi": "3.1.0",
        "info": {"title": "sla-exporter", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, names: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query:
        query = schemas[_name(names, route.query)]["properties"]
        parameters += [
            {"name": name, "in": "query", "schema": schema} for name, schema in query.items()
        ]
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "OK", "content": _content(names, route.answer)},
            "default": {
                "description": "What went wrong (RFC 9457)",
                "content": _content(names, m.Problem, "application/problem+json"),
            },
        },
    }
    if route.method == "GET":
        found["responses"]["304"] = {"description": "Not changed since the ETag that was given"}
    if route.scope:
        found["security"] = [{"token": []}]
        found["description"] = f"Needs a token with the scope `{route.scope}`."
    if route.body:
        found["requestBody"] = {"required": True, "content": _content(names, route.body)}
    return found


def _content(
    names: Any, model: type[BaseModel] | None, kind: str = "application/json"
) -> dict[str, Any]:
    return {kind: {"schema": names[model, "validation"] if model else {"type": "object"}}}


def _name(names: Any, model: type[BaseModel]) -> str:
    return str(names[model, "validation"]["$ref"]).rpartition("/")[2]
