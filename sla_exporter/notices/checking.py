"""Checking templates and translations: every kind, in every language, with every shape of data."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.pofile import PoFileError
from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError

from sla_exporter import resources
from sla_exporter.core.problems import Place, Problem
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.languages import (
    ENGLISH,
    languages,
    messages,
    po_files,
    read_catalog,
    translated,
)
from sla_exporter.notices.render import PARTS, JinjaRenderer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_exporter.notices.samples import Sample
    from sla_exporter.ports.settling import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking found; ``notes`` are no reason not to use the templates."""

    rendered: int
    languages: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def check_templates(folder: Path | None) -> Checked:
    """Render everything with the templates of a folder over ours, and look at what comes out."""
    own = resources.folder("templates")
    folders = (folder, own) if folder else (own,)
    problems: dict[Problem, None] = {}  # in the order found, each once
    usable, notes = [ENGLISH], _unused(folder, own) if folder else []
    found = languages(folders)
    for language in found:
        wrong = [one for path in po_files(language, folders) for one in _wrong(path, language)]
        problems |= dict.fromkeys(wrong)
        if not wrong:
            usable.append(language)
            notes.extend(_untranslated(language, folders))
    renderer, rendered = JinjaRenderer("Your provider", folder), 0
    for language in usable:
        for kind, registered in KINDS.items():
            for sample in registered.samples():
                rendered += 1
                problems |= dict.fromkeys(_trouble(renderer, kind, sample, language))
    return Checked(
        rendered=rendered,
        languages=(ENGLISH, *found),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _trouble(
    renderer: JinjaRenderer, kind: str, sample: Sample, language: str
) -> Iterator[Problem]:
    try:
        notice = sample.write(renderer, language)
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        yield Problem(_place_of(error, kind), _said(error))
    else:
        for part, sentence in _flaws(notice):
            yield Problem(Place(str(renderer.path_of(f"notices/{kind}/{part}"))), sentence)


def _flaws(notice: Notice) -> Iterator[tuple[str, str]]:
    """Say what is wrong with a notice that could be rendered."""
    subject, text, html = PARTS
    if not notice.subject:
        yield subject, "the subject is empty"
    if not notice.text.strip():
        yield text, "the text is empty"
    if "<script" in notice.html.lower():
        yield html, "a customer's name is taken as HTML; remove the filter 'safe'"
    for name in notice.pictures:
        if f"cid:{name}" not in notice.html:
            yield html, f"the picture {name!r} is not shown, and would be sent all the same"


def _place_of(error: Exception, kind: str) -> Place:
    """Find the line of the template: Jinja puts it into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return Place(error.filename or error.name or kind, error.lineno)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).suffix in {".html", ".txt"}
    ]
    return Place(frames[-1].filename, frames[-1].lineno or 0) if frames else Place(kind)


def _said(error: Exception) -> str:
    if isinstance(error, UndefinedError):
        return str(error).replace("'dict object' has no attribute", "a notice has no")
    return str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"


def _wrong(path: Path, language: str) -> Iterator[Problem]:
    """Say which translations would fail, or would lose a figure."""
    try:
        catalog = read_catalog(path, language)
    except (PoFileError, ValueError) as error:
        yield Problem(Place(str(path), getattr(error, "lineno", 0) or 0), str(error))
        return
    for message in catalog:
        for flaw in message.check() if message.id else ():
            yield Problem(Place(str(path), message.lineno or 0), str(flaw))


def _untranslated(language: str, folders: Sequence[Path]) -> Iterator[Problem]:
    """Say what stays English, after all files of the language were asked."""
    paths = po_files(language, folders)
    said = {one for path in paths for one in translated(read_catalog(path, language))}
    missing = sorted(messages(folders) - said)
    if missing:
        count = f"{len(missing)} sentences are" if len(missing) > 1 else "one sentence is"
        sentence = f"{count} not translated and will be in English, such as {missing[0]!r}"
        yield Problem(Place(str(paths[0])), sentence)


def _unused(folder: Path, own: Path) -> list[Problem]:
    """Find files whose name is that of no template, which is how a misspelt one looks."""
    return [
        Problem(Place(str(path)), "no template of ours has this name, so only yours can use it")
        for path in sorted((folder / "notices").rglob("*.*"))
        if not (own / path.relative_to(folder)).is_file()
    ]
