"""Figures as people of a locale write them.

Nothing here rounds money. Percentages are cut, not rounded, so that an availability never looks
better than it was.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from gettext import NullTranslations
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal, format_percent, get_currency_symbol

from sla_exporter.core.money import Money
from sla_exporter.core.periods import datetime_of
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.reasoning import Duration, Exact, Moment, Share

if TYPE_CHECKING:
    from datetime import date
    from fractions import Fraction

    from sla_exporter.core.reasoning import Fact
    from sla_exporter.core.windows import Window

_NO_BREAK_SPACE = "\xa0"
_MONTH = re.compile(r"\d{4}-\d\d")
_UNITS = (("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1))
_DAY_MS = 86_400_000
_PERCENT_DIGITS = 4
_EXACT_EXTRA_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats facts for one locale."""

    locale: Locale
    words: NullTranslations

    def say(self, message: str, **facts: object) -> str:
        """Translate a message and fill it in."""
        return self.words.gettext(message) % facts

    def fact(self, fact: Fact) -> str:
        """Format any fact of a reasoning step."""
        match fact:
            case Share(value):
                return self.percent(value)
            case Duration(ms):
                return self.duration(ms)
            case Moment(at_ms, zone):
                return self.moment(at_ms, zone)
            case Money():
                return self.money(fact)
            case Exact(minor, currency):
                return self.exact(minor, currency)
            case Pay():
                return self.pay(fact)
            case int():
                return format_decimal(fact, locale=self.locale)
            case _:
                return fact

    def money(self, money: Money) -> str:
        """Write an amount with all decimal places of its currency."""
        return self._currency(money.amount, money.currency, money.digits)

    def exact(self, minor: Fraction, currency: str) -> str:
        """Write an amount before rounding, with four more decimal places if it has them."""
        digits = Money(minor=0, currency=currency).digits
        amount = _cut(minor / 10**digits, digits + _EXACT_EXTRA_DIGITS)
        shown = max(digits, -int(amount.normalize().as_tuple().exponent))
        return self._currency(amount, currency, shown)

    def percent(self, share: Fraction) -> str:
        """Write a percentage, cut after the fourth decimal place."""
        cut = _cut(share, _PERCENT_DIGITS + 2).normalize()
        return format_percent(cut, locale=self.locale, decimal_quantization=False)

    def _share(self, share: Fraction) -> str:
        """Write a share that is paid: as a fraction if a percentage would not be exact."""
        if 10 ** (_PERCENT_DIGITS + 2) % share.denominator:
            return f"{share.numerator}/{share.denominator}"
        return self.percent(share)

    def pay(self, pay: Pay) -> str:
        """Write an amount that a policy pays, with its unit."""
        words, plural = self.words, 1 if pay.amount == 1 else 2
        match pay.unit:
            case Unit.SHARE:
                return self._share(pay.amount)
            case Unit.MONEY:
                return self.exact(pay.amount, pay.currency)
            case Unit.RIGHT:
                return words.gettext("the right to terminate")
            case Unit.HOURS:
                text = words.ngettext("%(num)s hour", "%(num)s hours", plural)
            case Unit.DAYS:
                text = words.ngettext("%(num)s day", "%(num)s days", plural)
            case Unit.MONTHS:
                text = words.ngettext("%(num)s month", "%(num)s months", plural)
        return text % {"num": self.number(pay.amount)}

    def number(self, value: Fraction) -> str:
        """Write a number, cut after the fourth decimal place."""
        return format_decimal(_cut(value, 4).normalize(), locale=self.locale)

    def duration(self, ms: int) -> str:
        """Write a length of time in full: nothing is rounded away."""
        days, rest = divmod(ms, _DAY_MS)
        parts = []
        if days:
            parts.append(self.words.ngettext("%(num)s day", "%(num)s days", days) % {"num": days})
        for unit, size in _UNITS:
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{format_decimal(count, locale=self.locale)} {unit}")
        return " ".join(parts) or "0 s"

    def moment(self, at_ms: int, zone: str) -> str:
        """Write date and time in the zone, to the second."""
        moment = datetime_of(at_ms, zone)
        return format_datetime(moment, "medium", tzinfo=moment.tzinfo, locale=self.locale)

    def day(self, day: date) -> str:
        """Write a day."""
        return format_date(day, "medium", locale=self.locale)

    def period(self, label: str, span: Window, zone: str) -> str:
        """Write month and year, or the first and the last day of what is no calendar month."""
        if _MONTH.fullmatch(label):
            return self.month(span.start_ms, zone)
        first = datetime_of(span.start_ms, zone).date()
        last = datetime_of(span.end_ms - 1, zone).date()
        return self.say("%(first)s to %(last)s", first=self.day(first), last=self.day(last))

    def month(self, at_ms: int, zone: str) -> str:
        """Write month and year."""
        return format_skeleton("yMMMM", datetime_of(at_ms, zone).date(), locale=self.locale)

    def _currency(self, amount: Decimal, currency: str, digits: int) -> str:
        # A copy, because the pattern is the locale's own. ISO 4217 says how many digits, not CLDR.
        pattern = copy.copy(self.locale.currency_formats["standard"])
        pattern.frac_prec = (digits, digits)
        text = str(pattern.apply(amount, self.locale, currency=currency, currency_digits=False))
        return _spaced(text, get_currency_symbol(currency, self.locale))


class PlainFormats(Formats):
    """For the console and for logs: ISO 8601 instead of a locale's dates."""

    def moment(self, at_ms: int, zone: str) -> str:
        """Write ``2026-10-03 10:02:30``, with milliseconds only if there are any."""
        precision = "milliseconds" if at_ms % 1000 else "seconds"
        return datetime_of(at_ms, zone).replace(tzinfo=None).isoformat(" ", timespec=precision)

    def day(self, day: date) -> str:
        """Write ``2026-10-03``."""
        return day.isoformat()

    def money(self, money: Money) -> str:
        """Write the currency's code, not its sign: several currencies share one."""
        return str(money)

    def exact(self, minor: Fraction, currency: str) -> str:
        """Write the currency's code."""
        digits = Money(minor=0, currency=currency).digits
        amount = _cut(minor / 10**digits, digits + _EXACT_EXTRA_DIGITS)
        shown = max(digits, -int(amount.normalize().as_tuple().exponent))
        return f"{currency} {amount:,.{shown}f}"


def plain() -> Formats:
    """Give the formats for the console: English, ISO dates, currency codes."""
    return PlainFormats(Locale("en"), NullTranslations())


def _spaced(text: str, symbol: str) -> str:
    """Part the letters of a currency from the digits: CLDR's currencySpacing, which Babel lacks."""
    after = _NO_BREAK_SPACE if symbol[-1].isalpha() else ""
    before = _NO_BREAK_SPACE if symbol[0].isalpha() else ""
    text = re.sub(rf"({re.escape(symbol)})(?=\d)", rf"\1{after}", text)
    return re.sub(rf"(?<=\d)({re.escape(symbol)})", rf"{before}\1", text)


def _cut(value: Fraction, digits: int) -> Decimal:
    """Give a fraction as a decimal with so many places, cut towards zero."""
    scaled = abs(value.numerator) * 10**digits // value.denominator
    decimal = Decimal(scaled).scaleb(-digits).quantize(Decimal(1).scaleb(-digits), ROUND_DOWN)
    return -decimal if value < 0 else decimal
