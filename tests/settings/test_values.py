"""Values that look right and could not work."""

from __future__ import annotations

import pytest

from tests.settings.files import SMALL, load, problems


@pytest.mark.parametrize("what", ["observe", "lease", "deliver", "claims"])
def test_an_interval_is_longer_than_nothing(folder, what):
    """A job cannot run all the time."""
    assert problems(folder, SMALL + f"schedule:\n  {what}: 0s\n") == [
        f"sla.yml:12: {what}: must be longer than nothing, not '0s'"
    ]


@pytest.mark.parametrize("address", ["nord.example", "a@", "@b", "a@b@c", "a b@c"])
def test_an_address_has_something_on_both_sides_of_one_at(folder, address):
    """Whoever gets mail, and who sends it."""
    wrong = f"{address!r} is not an e-mail address; write it as in ops@acme.example"
    text = SMALL.replace(
        "currency: EUR\n", f"currency: EUR\n    email: [a@b.example, {address!r}]\n"
    )

    found = problems(folder, text + f"mail: {{host: h, from: {address!r}}}\n")

    assert found == [f"sla.yml:10: email: {wrong}", f"sla.yml:12: from: {wrong}"]


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://hunter2@h", "http://a b", ""])
def test_a_url_that_is_none_is_told_in_a_sentence(folder, url):
    """Which does not show it, as a password may stand in it."""
    text = SMALL.replace("{url: http://localhost:9090}", f"{{url: {url!r}}}")

    assert problems(folder, text) == [
        "sla.yml:1: url: must begin with http:// or https:// and have no spaces"
    ]
    assert problems(folder, SMALL + f"alertmanager: {{url: {url!r}}}\n") == [
        "sla.yml:11: url: must begin with http:// or https:// and have no spaces"
    ]


def test_a_sender_may_have_a_name(folder):
    """As mail programs show it."""
    sender = "Nord Billing <billing@nord.example>"
    config = load(folder, SMALL + f"mail: {{host: h, from: '{sender}', reply_to: a@b.example}}\n")

    assert config.mail
    assert config.mail.sender == sender
