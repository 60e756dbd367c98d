"""YAML 1.2 documents whose every value knows its line.

Numbers stay the text they were written as, so that ``499.90`` is exact and a customer called
``00123`` keeps its zeros; only true, false and null get a type here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from sla_exporter.core.problems import Place, Problem
from sla_exporter.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Key = str | int
_TRUE = {"true": True, "false": False}


@dataclass(slots=True)
class Document:
    """Plain values, and the line of each by its path of keys and indices."""

    file: str
    value: Any = None
    lines: dict[tuple[Key, ...], int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Sequence[Key] = ()) -> Place:
        """Say where something stands, or the nearest thing around it that stands anywhere."""
        known = tuple(path)
        while known and known not in self.lines:
            known = known[:-1]
        return Place(self.file, self.lines.get(known, 1))

    def problem(self, path: Sequence[Key], message: str) -> Problem:
        """Say what is wrong there."""
        return Problem(self.place(path), message)

    def key_at(self, path: Sequence[Key]) -> Any:
        """Give the value at a path, or ``None``."""
        value = self.value
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_file(path: Path, name: str | None = None) -> Document:
    """Read a YAML file.

    Raises:
        ConfigInvalid: if it cannot be read or is not YAML; keys given twice are problems of the
            document.
    """
    file = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigInvalid([Problem(Place(file), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigInvalid([Problem(Place(file), "is not UTF-8 text")]) from None
    return read_text(text, file)


def read_text(text: str, file: str) -> Document:
    """Read YAML text; see :func:`read_file`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML 1.2 allows it
            node = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        said = " ".join(filter(None, (error.context, error.problem)))
        raise ConfigInvalid([Problem(Place(file, line), f"is not valid YAML: {said}")]) from None
    document = Document(file=file)
    if node is not None:
        document.value = _Reader(document).read(node, ())
    return document


class _Reader:
    """Turns YAML nodes into values, noting lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._within: set[int] = set()

    def read(self, node: Node, path: tuple[Key, ...]) -> Any:
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if id(node) in self._within:
            self._document.problems.append(
                self._document.problem(path, "an alias may not contain itself")
            )
            return None
        self._within.add(id(node))
        value = self._collection(node, path)
        self._within.discard(id(node))
        return value

    def _collection(self, node: Node, path: tuple[Key, ...]) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, path: tuple[Key, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*path, key)
            line = key_node.start_mark.line + 1
            if key in found:
                first = self._document.lines[here]
                message = f"the key {key!r} is given twice; the first is on line {first}"
                self._document.problems.append(Problem(Place(self._document.file, line), message))
                continue
            self._document.lines[here] = line
            found[key] = self.read(value_node, here)
        return found


def _scalar(node: ScalarNode) -> str | bool | None:
    if node.style in {"'", '"', "|", ">"}:
        return str(node.value)
    tag = str(node.tag)
    if tag.endswith(":null"):
        return None
    if tag.endswith(":bool"):
        return _TRUE[node.value.lower()]
    return str(node.value)
