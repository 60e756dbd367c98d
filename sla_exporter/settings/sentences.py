"""What a validation error says to a person, with the place in the file it speaks of."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document, Key

_MEMBER = re.compile(r"[A-Z]\w+|(literal|str-enum|function-\w+|constrained-\w+|tuple|dict)\[.*\]")
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
_SECTIONS = {kind for kind, name in _KINDS.items() if name in {"a mapping", "a list"}}


M = TypeVar("M", bound=BaseModel)


def validated(
    document: Document, model: type[M], value: object = None
) -> tuple[M | None, list[Problem]]:
    """Read a document (or a value taken from it) as a model; or say everything that is wrong."""
    problems = list(document.problems)
    given = document.value if value is None else value
    try:
        return model.model_validate(given if given is not None else {}), problems
    except ValidationError as error:
        return None, [*problems, *problems_of(error, document, model)]


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel], at: Sequence[Key] = ()
) -> list[Problem]:
    """Put every error into a sentence, at its place in the document."""
    found: list[Problem] = []
    for details in _meant(error.errors(), document, at):
        inside = list(details["loc"])
        path = _path_in(document, [*at, *inside])
        found.append(document.problem(path, _sentence(details, path, model, inside)))
    return found


def _meant(
    errors: Sequence[ErrorDetails], document: Document, at: Sequence[Key]
) -> list[ErrorDetails]:
    """Of a value that may be a mapping or something else, keep what is said of what it is."""
    return [details for details in errors if not _is_of_another_kind(details["loc"], document, at)]


def _is_of_another_kind(loc: Sequence[Key], document: Document, at: Sequence[Key]) -> bool:
    path = list(at)
    for key in loc:
        if document.key_at([*path, key]) is not None:
            path.append(key)
        elif _is_member(key):
            is_model = str(key)[0].isupper()
            return is_model != isinstance(document.key_at(path), dict)
    return False


def _is_member(key: Key) -> bool:
    """Say whether pydantic may have put this into a path to name a member of a union."""
    return isinstance(key, str) and bool(_MEMBER.fullmatch(key))


def _path_in(document: Document, loc: Sequence[Key]) -> list[Key]:
    """Drop what pydantic adds to a path: names of union members and validators."""
    path: list[Key] = []
    for index, key in enumerate(loc):
        known = document.key_at([*path, key]) is not None
        if known or (index == len(loc) - 1 and not _is_member(key)):
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
            # Text in the place of a section may be what belongs inside, such as a password.
            said = "text" if kind in _SECTIONS and isinstance(given, str) else _shown(given)
            return f"{name}: must be {_KINDS[kind]}, not {said}"
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
