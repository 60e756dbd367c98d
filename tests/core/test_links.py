"""Signed links: for one thing, until a day, and by one of our keys."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from sla_exporter.core.links import CLAIM, Link, LinkFault, Signer

SIGNER = Signer(keys=("new key",))
LINK = Link(purpose=CLAIM, settlement="acme-web/2026-10", revision=2, expires_at_ms=1_000)


def test_a_token_says_what_was_signed():
    """And is safe in a URL and in a mail: letters, digits, - and _, and one dot."""
    token = SIGNER.token(LINK)

    assert SIGNER.read(token, CLAIM, 999) == LINK
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert len(token) < 130


def test_a_token_ends():
    """At the millisecond that it says."""
    assert SIGNER.read(SIGNER.token(LINK), CLAIM, 1_000) is LinkFault.EXPIRED


def test_a_token_for_something_else_opens_nothing():
    """Although it is ours."""
    token = SIGNER.token(replace(LINK, purpose="statement"))

    assert SIGNER.read(token, CLAIM, 1) is LinkFault.FORGED


def test_every_change_of_a_token_is_noticed():
    """Any character of it."""
    token = SIGNER.token(LINK)
    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]

        assert SIGNER.read(changed, CLAIM, 1) is LinkFault.FORGED


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a", "a.b", "é.ü", "\x00", "A" * 3_000, "YQ==.YQ==", "a b.c d"]
)
def test_what_is_no_token_opens_nothing(token):
    """And does not fail."""
    assert SIGNER.read(token, CLAIM, 1) is LinkFault.FORGED


def test_an_old_key_still_reads_and_no_longer_signs():
    """So that a key can be changed while links are out."""
    both = Signer(keys=("newer key", "new key"))

    assert both.read(SIGNER.token(LINK), CLAIM, 1) == LINK
    assert SIGNER.read(both.token(LINK), CLAIM, 1) is LinkFault.FORGED


def test_another_settlements_signature_does_not_fit():
    """Cedar's link made out of its own signature and Acme's settlement."""
    cedar = SIGNER.token(replace(LINK, settlement="cedar-web/2026-10"))
    body = base64.urlsafe_b64encode(b"claim\n2\n1000\nacme-web/2026-10").rstrip(b"=").decode()

    forged = f"{body}.{cedar.partition('.')[2]}"

    assert SIGNER.read(forged, CLAIM, 1) is LinkFault.FORGED
    assert SIGNER.token(LINK).startswith(f"{body}.")
