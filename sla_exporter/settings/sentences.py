"""What a validation error says to a person, with the place in the file it speaks of."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document, Key

_KINDS = {
    "string_type": "text",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel], at: Sequence[Key] = ()
) -> list[Problem]:
    """Put every error into a sentence, at its place in the document."""
    found: list[Problem] = []
    for details in error.errors():
        inside = list(details["loc"])
        path = _path_in(document, [*at, *inside])
        found.append(document.problem(path, _sentence(details, path, model, inside)))
    return found


def _path_in(document: Document, loc: Sequence[Key]) -> list[Key]:
    """Drop what pydantic adds to a path: names of union members and validators."""
    path: list[Key] = []
    for index, key in enumerate(loc):
        if document.key_at([*path, key]) is not None or index == len(loc) - 1:
            path.append(key)
    return path


def _sentence(
    details: ErrorDetails, path: Sequence[Key], model: type[BaseModel], loc: Sequence[Key]
) -> str:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    name = next((key for key in reversed(path) if isinstance(key, str)), "the file")
    match kind:
        case "missing":
            return f"the key {name!r} is missing"
        case "extra_forbidden":
            return f"unknown key {name!r}{_suggestion(str(name), _keys_at(model, loc[:-1]))}"
        case "value_error":
            return f"{name}: {context['error']}"
        case "enum" | "literal_error":
            allowed = str(context["expected"]).replace("'", "")
            return f"{name}: must be {allowed}, not {_shown(given)}"
        case _ if kind in _KINDS:
            return f"{name}: must be {_KINDS[kind]}, not {_shown(given)}"
        case _:
            return f"{name}: {details['msg'][0].lower()}{details['msg'][1:]}"


def _shown(given: object) -> str:
    match given:
        case None:
            return "nothing"
        case bool():
            return str(given).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return repr(given)


def _suggestion(name: str, keys: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, keys, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; the keys here are: {', '.join(sorted(keys))}" if keys else ""


def _keys_at(model: type[BaseModel], loc: Sequence[Key]) -> list[str]:
    """Find the keys that the model allows at a path."""
    here: list[type[BaseModel]] = [model]
    for key in loc:
        named = [part for part in here if getattr(part, "kind", None) == key]
        if named and len(here) > 1:  # the tag of a union, which is not in the file
            here = named
            continue
        hints = [
            part.model_fields[key].annotation if key in part.model_fields else None
            for part in here
            if isinstance(key, str)
        ]
        inner = [found for hint in hints for found in models_in(hint)]
        here = inner or here
    return [name for part in here for name in part.model_fields]


def models_in(hint: Any) -> Iterator[type[BaseModel]]:
    """Give the models that a field of this type may hold."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for argument in get_args(hint):
        yield from models_in(argument)
