"""Translations: one ``.po`` file per language, compiled when it is read.

Adding a language is adding ``locale/<language>/LC_MESSAGES/notices.po`` to the operator's templates
folder; no tool has to be run.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from typing import TYPE_CHECKING

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DOMAIN = "notices"


@cache
def translations(locale: str, folders: tuple[Path, ...]) -> NullTranslations:
    """Give the translations for a locale, or for its language; English if there are none."""
    for name in (locale, locale.partition("_")[0]):
        found = [path for folder in folders if (path := _po_file(folder, name)).is_file()]
        if found:
            return _chained(found)
    return NullTranslations()


def _po_file(folder: Path, name: str) -> Path:
    return folder / "locale" / name / "LC_MESSAGES" / f"{DOMAIN}.po"


def _chained(paths: Sequence[Path]) -> NullTranslations:
    """Read the files; what an earlier one lacks, a later one gives."""
    first, *others = (_compiled(path) for path in paths)
    for other in others:
        first.add_fallback(other)
    return first


def _compiled(path: Path) -> GNUTranslations:
    with path.open("rb") as stream:
        catalog = read_po(stream)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
