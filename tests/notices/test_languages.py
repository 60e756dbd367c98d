"""Every language says everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po

from sla_exporter import resources
from sla_exporter.notices import languages
from sla_exporter.notices.languages import translated, translations

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

TEMPLATES = resources.folder("templates")
LANGUAGES = languages.languages([TEMPLATES])
MESSAGES = languages.messages([TEMPLATES])


def catalog(language: str) -> Catalog:
    path = TEMPLATES / "locale" / language / "LC_MESSAGES" / "notices.po"
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def test_there_are_messages_and_languages():
    """Or the next tests would check nothing."""
    assert {"How this was calculated", "%(num)s day"} <= MESSAGES
    assert len(MESSAGES) > 200
    assert LANGUAGES == ["es", "pt_BR"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_translates_every_message_and_no_other(language):
    """A sentence added to a template or to the reasons must be added here too."""
    assert set(translated(catalog(language))) == MESSAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_use_the_same_figures(language):
    """A placeholder that is missing or misspelt would drop a figure, or fail at month end."""
    wrong = {
        message.id: [str(error) for error in message.check()]
        for message in catalog(language)
        if message.id and list(message.check())
    }

    assert wrong == {}


def test_an_operators_language_is_found_without_any_tool(tmp_path):
    """Adding a file is adding a language; what it lacks stays English."""
    folder = tmp_path / "locale" / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "notices.po").write_text('msgid "Credit"\nmsgstr "Gutschrift"\n')

    words = translations("de_AT", (tmp_path, TEMPLATES))

    assert words.gettext("Credit") == "Gutschrift"
    assert words.gettext("Downtime") == "Downtime"


def test_an_operators_wording_goes_before_ours(tmp_path):
    """Only what it says otherwise; the rest stays ours."""
    folder = tmp_path / "locale" / "pt_BR" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "notices.po").write_text('msgid "Credit"\nmsgstr "Abatimento"\n')

    words = translations("pt_BR", (tmp_path, TEMPLATES))

    assert words.gettext("Credit") == "Abatimento"
    assert words.gettext("Downtime") == "Indisponibilidade"
