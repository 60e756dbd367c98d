"""The sentences of ``sla-exporter check policies``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.notices.formats import plain

if TYPE_CHECKING:
    from sla_exporter.core.policy.formula import Flaw

_SENTENCES = {
    "rows_hole": "no row says what is due between %(low)s and %(high)s; add one, or say under "
    "holes how the text is read",
    "rows_overlap": "several rows claim what lies between %(low)s and %(high)s; mend them, or say "
    "under overlaps how the text is read",
    "rows_hole_at": "no row says what is due at %(low)s; add one, or say under holes how the text "
    "is read",
    "rows_overlap_at": "several rows claim %(low)s; mend them, or say under overlaps how the text "
    "is read",
    "row_pays_less": "the row that pays %(pays)s stands for more downtime than one that pays "
    "%(better)s",
    "row_never": "the row that pays %(pays)s can never apply: other rows, or the objective, come "
    "before it",
    "cap_under_row": "the cap of %(cap)s is under the row that pays %(pays)s, which can never pay "
    "what it says",
    "minimum_never": "the minimum of %(minimum)s can never be reached: no credit is more than "
    "%(most)s",
    "nothing_to_deduct": "a deductible needs an objective under 100%%, or a length of its own",
    "grace_contradicts": "%(grace)s are not what an objective of %(objective)s allows, which is "
    "%(least)s to %(most)s; the length decides, not the objective",
    "money_as_extension": "the form is an extension, but %(pays)s is money, and would be lost; "
    "write an amount of time, as in 3 days",
    "money_as_right": "the form is a right to terminate, but %(pays)s is none; write pays: right "
    "to terminate, or another form",
    "several_currencies": "amounts in several currencies: %(named)s; no customer pays in all",
    "steps_from_nowhere": "per_step has nothing to count down from; give an objective, or below",
    "point_undecided": "undecided: %(text)s; the readings are: %(readings)s",
    "credit_discretionary": "discretionary: a person decides on every credit",
}
_LEFT_TO_A_PERSON = {
    "rows_hole": "no row says what is due between %(low)s and %(high)s: a person decides",
    "rows_overlap": "several rows claim what lies between %(low)s and %(high)s: a person decides",
    "rows_hole_at": "no row says what is due at %(low)s: a person decides",
    "rows_overlap_at": "several rows claim %(low)s: a person decides",
}


def flaw_sentence(flaw: Flaw) -> str:
    """Put a flaw into words."""
    code, formats = flaw.said.code, plain()
    sentence = _SENTENCES[code] if flaw.wrong else _LEFT_TO_A_PERSON.get(code, _SENTENCES[code])
    return sentence % {name: formats.fact(fact) for name, fact in flaw.said.facts.items()}
