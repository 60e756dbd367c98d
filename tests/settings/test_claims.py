"""The settings of claims: in the policy, and how links are made."""

from __future__ import annotations

import pytest

from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.config import ClaimAccess
from tests.settings.files import SMALL, load

CLAIM = "claim: {within: 30 days, of: period end, remind: 7 days before, tolerance: 5m}"
LINKS = "claims: {key: a key of the tests}\nweb: {external_url: https://sla.example}\n"


def with_claim(mode: str = "automatic") -> str:
    """Give the small configuration with a policy whose credits must be claimed."""
    head, found, tail = SMALL.partition("credit:")
    assert found
    return f"{head}{CLAIM}, credit:{tail}mode: {mode}\n"


def test_a_claim_may_have_a_reminder_and_a_tolerance(tmp_path):
    """Beside its deadline."""
    config = load(tmp_path, with_claim() + LINKS)

    (policy,) = config.catalogue.policies["gold"]
    day = 86_400_000
    assert policy.claim == Claim(
        within=Deadline(of=Anchor.PERIOD_END, days=30), remind_ms=7 * day, tolerance_ms=300_000
    )


def test_a_reminder_before_there_is_anything_to_claim_is_a_mistake(tmp_path):
    """Nobody would ever get it."""
    text = with_claim().replace("7 days before", "30 days before")

    with pytest.raises(ConfigInvalid, match="so nobody is reminded"):
        load(tmp_path, text + LINKS)


def test_links_are_signed_with_the_first_key(tmp_path):
    """The old one is still taken."""
    (tmp_path / "key").write_text("a key in a file\n")
    keys = "claims: {key: a key of the tests, old_key_file: key}\n"

    config = load(tmp_path, SMALL + keys + "schedule: {claims: 1m}\n")

    assert config.claims == ClaimAccess(keys=("a key of the tests", "a key in a file"))
    assert config.schedule.claims_ms == 60_000


@pytest.mark.parametrize(
    ("links", "missing"),
    [
        ("", "claims.key (or key_file) and web.external_url"),
        ("web: {external_url: https://sla.example}\n", "claims.key (or key_file)"),
        ("claims: {key: a key of the tests}\n", "web.external_url"),
    ],
)
def test_what_must_be_claimed_needs_links(tmp_path, links, missing):
    """Said with the policy that needs them."""
    with pytest.raises(ConfigInvalid) as error:
        load(tmp_path, with_claim() + links)

    needs = f"credits of policy 'gold' must be claimed by a link that customers are sent: {missing}"
    assert needs in str(error.value)


def test_in_mode_observe_nobody_is_sent_a_link(tmp_path):
    """So a first look needs no key."""
    assert load(tmp_path, with_claim("observe")).claims == ClaimAccess()


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ("claims: {key: short}\n", "key: 5 characters are too few, 16 are needed"),
        ("web: {external_url: sla.example}\n", "'sla.example' is not an address as in https://"),
        ("web: {external_url: 'https://x/?a=1'}\n", "is not an address as in https://"),
        ("claims: {key_file: nowhere}\n", "key_file: nowhere cannot be read"),
    ],
)
def test_what_links_cannot_be_made_of(tmp_path, links, said):
    """With the place in the file."""
    with pytest.raises(ConfigInvalid) as error:
        load(tmp_path, SMALL + links)

    assert said in str(error.value)
    assert "sla.yml:" in str(error.value)


def test_keys_are_not_shown(tmp_path):
    """Neither of the two."""
    config = load(tmp_path, SMALL + "claims: {key: a key of the tests, old_key: another one}\n")

    assert "tests" not in config.shown
    assert "another" not in config.shown
    assert "tests" not in repr(config)
