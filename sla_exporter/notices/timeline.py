"""The outage timeline as a picture: a row for every day of the period, from midnight to midnight.

A PNG file, because mail clients show no SVG; drawn at twice its size, so that it stays sharp. Days
are numbers, because the font that is at hand everywhere has the letters of no language but English.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from sla_exporter.core.periods import datetime_of, ms_of
from sla_exporter.core.windows import Window, clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.windows import Windows

SCALE = 2
_COMPRESS = 4  # a sixth larger than what takes twice the time
WIDTH = 600
ROW, GAP = 9, 2
LEFT, TOP, RIGHT = 26, 18, 2

_PAPER, _INK = (255, 255, 255), (87, 96, 106)
_SHADES = 16  # of ink on paper, for smooth letters; the colours of the bars follow
UP, DOWN, UNKNOWN, OUTSIDE = range(_SHADES, _SHADES + 4)
_BARS = {
    UP: (183, 225, 192),
    DOWN: (198, 40, 40),
    UNKNOWN: (184, 190, 198),
    OUTSIDE: (238, 240, 242),
}


def timeline_png(span: Window, state: SeriesState, zone: str) -> bytes:
    """Draw the days that the span touches.

    Args:
        span: what was settled; the rest of its first and last day is shown as outside.
        state: what was not up within it.
        zone: where the days begin.
    """
    days = list(_days(span, zone))
    image = _labelled(tuple(str(datetime_of(day.start_ms, zone).day) for day in days)).copy()
    draw = ImageDraw.Draw(image)
    for index, day in enumerate(days):
        _row(draw, day, TOP + index * (ROW + GAP), span, state)
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=_COMPRESS)
    return stream.getvalue()


@lru_cache(maxsize=32)
def _labelled(labels: tuple[str, ...]) -> Image.Image:
    """Make the paper with hours above and days at the left; most months' is that of another.

    Letters are drawn in grey first and then turned into shades of the palette: drawing in full
    colour and reducing it afterwards took ten times as long.
    """
    size = (WIDTH * SCALE, (TOP + len(labels) * (ROW + GAP)) * SCALE)
    letters = Image.new("L", size)
    draw = ImageDraw.Draw(letters)
    font = ImageFont.load_default(9 * SCALE)

    def write(x: float, y: float, words: str, anchor: str) -> None:
        draw.text((x * SCALE, y * SCALE), words, 255, font, anchor=anchor)

    for hour in range(0, 25, 6):
        x = LEFT + (WIDTH - LEFT - RIGHT) * hour / 24
        write(x, 10, f"{hour:02}:00", {0: "lm", 24: "rm"}.get(hour, "mm"))
    for index, label in enumerate(labels):
        write(LEFT - 6, TOP + index * (ROW + GAP) + ROW / 2, label, "rm")
    shades = letters.point([value * (_SHADES - 1) // 255 for value in range(256)])
    image = Image.frombytes("P", size, shades.tobytes())
    image.putpalette(_palette())
    return image


def _palette() -> list[int]:
    found: list[int] = []
    for shade in range(_SHADES):
        for paper, ink in zip(_PAPER, _INK, strict=True):
            found.append(paper + (ink - paper) * shade // (_SHADES - 1))
    for color in _BARS.values():
        found.extend(color)
    return found


def _row(
    draw: ImageDraw.ImageDraw, day: Window, top: int, span: Window, state: SeriesState
) -> None:
    scale = (WIDTH - LEFT - RIGHT) / day.length_ms
    layers: tuple[tuple[Windows, int], ...] = (
        ((day,), OUTSIDE),
        ((span,), UP),
        (state.unknown, UNKNOWN),
        (state.down, DOWN),
    )
    for windows, color in layers:
        for start, end in clip(windows, day):
            x0 = round((LEFT + (start - day.start_ms) * scale) * SCALE)
            x1 = round((LEFT + (end - day.start_ms) * scale) * SCALE)
            # Anything there is at least two pixels wide, or nobody would see it.
            box = (x0, top * SCALE, max(x1 - 1, x0 + 1), (top + ROW) * SCALE - 1)
            draw.rectangle(box, fill=color)


def _days(span: Window, zone: str) -> Iterator[Window]:
    """Cut at local midnights, so that a day with a clock change has its true length."""
    midnight = datetime_of(span.start_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while ms_of(midnight) < span.end_ms:
        following = midnight + timedelta(days=1)
        yield Window(ms_of(midnight), ms_of(following))
        midnight = following
