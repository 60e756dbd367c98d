"""Label matchers in Alertmanager's notation, such as ``alertname="SiteDown"`` or ``job=~"web-.*"``.

Regular expressions are anchored at both ends, as they are in Prometheus and Alertmanager.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MATCHER = re.compile(
    r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",{}]*))\s*'
)
_STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"""
_CONDITION = rf"(?:(?:[a-zA-Z_]\w*|{_STRING})\s*(?:=~|!~|!=|=)\s*)?{_STRING}"
_CONDITIONS = rf"\{{\s*{_CONDITION}(?:\s*(?:,|\bor\b)\s*{_CONDITION})*\s*,?\s*\}}"
_SELECTOR = re.compile(rf"[a-zA-Z_:][\w:]*\s*(?:{_CONDITIONS}|\{{\s*\}})?|{_CONDITIONS}")
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label; a label that is not there counts as empty."""

    label: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Matcher:
        """Read a matcher; quotes around the value may be left out, as in amtool.

        Raises:
            ValueError: if it is not a matcher, or its regular expression does not compile.
        """
        found = _MATCHER.fullmatch(text)
        if not found:
            raise ValueError(f'a matcher is written label="value", not {text!r}')
        label, operator, quoted, bare = found.groups()
        value = bare
        if quoted is not None:
            value = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), quoted)
        if operator.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is not a regular expression: {error}") from None
        return cls(label, operator, value)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether the labels fulfil the condition."""
        actual = labels.get(self.label, "")
        if self.operator in {"=", "!="}:
            return (actual == self.value) == (self.operator == "=")
        return (re.fullmatch(self.value, actual) is not None) == (self.operator == "=~")

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{quote(self.value)}"


def parse_selector(text: str) -> str:
    """Take a selector of series: a name, conditions in braces, or both.

    Names in quotes are those of Prometheus 3, ``or`` between conditions is VictoriaMetrics'.

    Raises:
        ValueError: if it is anything else, such as an expression, or has an offset.
    """
    if not _SELECTOR.fullmatch(text.strip()):
        raise ValueError(f'{text!r} is not a selector of series; write it as in up{{job="web"}}')
    return text


def quote(value: str) -> str:
    """Write a label value as a PromQL string, so that nothing in it can end the string early."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Say whether the labels fulfil every condition."""
    return all(matcher.matches(labels) for matcher in matchers)
