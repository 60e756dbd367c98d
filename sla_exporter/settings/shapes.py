"""Models made from core dataclasses, so that a new credit formula needs no parser of its own."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, create_model

from sla_exporter.settings.fields import BY_CORE_TYPE, Section


@cache
def model_of(shape: type) -> type[BaseModel]:
    """Make the model whose keys are the dataclass's fields, read by their types."""
    hints = get_type_hints(shape)
    wanted: dict[str, Any] = {}
    for item in fields(shape):
        default = ... if item.default is MISSING else item.default
        wanted[item.name] = (_as_read(hints[item.name]), default)
    return create_model(shape.__name__, __base__=Section, **wanted)


def build(shape: type, model: BaseModel) -> Any:
    """Turn a validated model back into the dataclass it was made from."""
    hints = get_type_hints(shape)
    return shape(
        **{name: _built(hints[name], getattr(model, name)) for name in type(model).model_fields}
    )


def _as_read(hint: Any) -> Any:
    if hint in BY_CORE_TYPE:
        return BY_CORE_TYPE[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return model_of(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return types.GenericAlias(tuple, (_as_read(arguments[0]), ...))
    if origin in {Union, types.UnionType}:
        return Union[tuple(_as_read(argument) for argument in arguments)]  # noqa: UP007 - built
    return hint


def _built(hint: Any, value: Any) -> Any:
    if isinstance(value, BaseModel):
        shape = next(h for h in (hint, *get_args(hint)) if isinstance(h, type) and is_dataclass(h))
        return build(shape, value)
    if isinstance(value, tuple):
        return tuple(_built(get_args(hint)[0], item) for item in value)
    return value
