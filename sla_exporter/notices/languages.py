"""Translations: one ``.po`` file per language, compiled when it is read.

Adding a language is adding ``locale/<language>/LC_MESSAGES/notices.po`` to the operator's templates
folder; no tool has to be run.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from babel.messages.catalog import Catalog

DOMAIN = "notices"
ENGLISH = "en"

_METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "say": None}


@cache
def translations(locale: str, folders: tuple[Path, ...]) -> NullTranslations:
    """Give the translations for a locale, or for its language; English if there are none."""
    for name in (locale, locale.partition("_")[0]):
        found = po_files(name, folders)
        if found:
            return _chained(found)
    return NullTranslations()


def po_files(language: str, folders: Sequence[Path]) -> list[Path]:
    """Give the files that say something in a language, the one that goes first first."""
    paths = (folder / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po" for folder in folders)
    return [path for path in paths if path.is_file()]


def languages(folders: Sequence[Path]) -> list[str]:
    """Name the languages that there are beside English."""
    found = (
        path for folder in folders for path in folder.glob(f"locale/*/LC_MESSAGES/{DOMAIN}.po")
    )
    return sorted({path.parents[1].name for path in found})


def read_catalog(path: Path, language: str) -> Catalog:
    """Read a file as messages with their lines.

    Raises:
        ValueError: if it is no ``.po`` file.
    """
    with path.open("rb") as stream:
        return read_po(stream, locale=language, abort_invalid=True)


def messages(folders: Sequence[Path]) -> set[str]:
    """Give every message that templates in these folders, and our sentences, are made of."""
    places = (Path(__file__).parent, *(folder / "notices" for folder in folders))
    found: set[str] = set()
    for place in places:
        for _, _, message, _, _ in extract_from_dir(place, _METHODS, keywords=_KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def translated(catalog: Catalog) -> Iterator[str]:
    """Give the messages that a catalog has words for, in every plural form."""
    for message in catalog:
        words = [message.string] if isinstance(message.string, str) else message.string or [""]
        if message.id and all(words):
            yield message.id if isinstance(message.id, str) else message.id[0]


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
