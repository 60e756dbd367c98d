"""Checking templates: what would fail at month end fails today, with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sla_exporter import resources
from sla_exporter.cli import main
from sla_exporter.notices.checking import check_templates
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.languages import languages
from sla_exporter.notices.render import PARTS, JinjaRenderer

if TYPE_CHECKING:
    from pathlib import Path

OWN = resources.folder("templates")
LOCALES = ["en", *languages([OWN])]


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def problems(folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in check_templates(folder).problems]


def test_ours_are_well():
    """Every kind, in every language, with every shape of data; nothing is untranslated."""
    checked = check_templates(None)

    assert (checked.problems, checked.notes) == ((), ())
    assert list(checked.languages) == LOCALES
    assert checked.rendered == len(LOCALES) * sum(len(list(k.samples())) for k in KINDS.values())


def test_every_folder_is_a_kind_and_every_kind_a_folder():
    """With its three templates, or more of its own."""
    folders = {path.name: path for path in (OWN / "notices").iterdir() if path.is_dir()}

    assert folders.keys() == KINDS.keys()
    assert all((folders[kind] / part).is_file() for kind in KINDS for part in PARTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_samples_are_of_that_kind(kind):
    """And one of them has names that would do harm."""
    samples = list(KINDS[kind].samples())
    written_kinds = {sample.write(JinjaRenderer("X"), "en").kind for sample in samples}

    assert written_kinds == {kind}
    assert "hostile names" in {sample.name for sample in samples}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notices/credit/subject.txt", "a\n{{ notice.refund }}", ":2: a notice has no 'refund'"),
        ("notices/credit/subject.txt", "\n", ": the subject is empty"),
        ("notices/statement/body.txt", "a\nb\n{% if %}", ":3: Expected an expression, got"),
        ("notices/statement/body.html", "{{ notice.credit / 2 }}", ":1: TypeError: unsupported"),
        ("notices/correction/body.html", "{{ notice.customer|safe }}", ": a customer's name is"),
        ("notices/correction/body.txt", " ", ": the text is empty"),
        ("notices/credit/body.html", "<p>Hello</p>", ": the picture 'timeline' is not shown"),
        ("locale/de/LC_MESSAGES/notices.po", "msgid bad\n", ": missing msgstr"),
        (
            "locale/de/LC_MESSAGES/notices.po",
            'msgid "Dear %(customer)s,"\nmsgstr "Hallo %(kunde)s,"\n',
            ":1: unknown named placeholder 'kunde'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, name, content, said):
    """Once, however many samples meet it."""
    written(tmp_path, name, content)

    found = problems(tmp_path)

    assert len({one.split(" (")[0] for one in found}) == len(found)
    assert any(one.startswith(f"{name}{said}") for one in found), found


def test_a_language_that_is_not_complete_and_a_misspelt_file_are_notes(tmp_path):
    """They do no harm, and are perhaps not what was meant."""
    written(tmp_path, "locale/de/LC_MESSAGES/notices.po", 'msgid "Credit"\nmsgstr "Gutschrift"\n')
    written(tmp_path, "notices/credits/subject.txt", "Hello")

    checked = check_templates(tmp_path)
    notes = [str(note) for note in checked.notes]

    assert checked.problems == ()
    assert "notices.po: " in notes[1]
    assert "sentences are not translated" in notes[1]
    assert "credits/subject.txt: no template of ours has this name" in notes[0]


def test_the_command_says_so(tmp_path):
    """With the exit status that a pipeline looks at."""
    good = CliRunner().invoke(main, ["check", "templates"])
    written(tmp_path, "notices/credit/subject.txt", "{{ notice.refund }}")
    bad = CliRunner().invoke(main, ["check", "templates", str(tmp_path)])
    missing = CliRunner().invoke(main, ["check", "templates", str(tmp_path / "nowhere")])

    assert (good.exit_code, bad.exit_code, missing.exit_code) == (0, 1, 2)
    assert "notices rendered, in en, " in good.output
    assert "FAILED: 1 to mend" in bad.output
