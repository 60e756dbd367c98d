"""Expected trouble, as a value: one bad contract never stops the good ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in the operator's files something stands; lines count from one, 0 if there is none."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something a person must mend, said in a sentence that can be read aloud."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
