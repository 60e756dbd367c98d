"""Notices in a real browser: narrow and wide, light and dark."""

from __future__ import annotations

import re

import pytest

from sla_exporter.cli.preview import page_of_notice
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.render import JinjaRenderer
from tests.browser import chromium
from tests.browser.conftest import page_of

RENDERER = JinjaRenderer("Example Hosting")
SAMPLES = [
    (f"{kind}: {sample.name}", sample) for kind, one in KINDS.items() for sample in one.samples()
]
# What is wider than the page, and which pictures did not load.
LOOK = """() => ({
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  broken: [...document.images].filter(one => !one.complete || !one.naturalWidth).length,
  nameless: [...document.images].filter(one => !one.alt).length,
  pictures: document.images.length,
  scripts: document.scripts.length,
  foreign: performance.getEntriesByType("resource").filter(one => !one.name.startsWith("data:"))
    .length,
})"""
# The contrast of every piece of text with what is behind it (WCAG 2, 1.4.3).
FAINT = """() => {
  const parsed = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const color = parsed(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || one.className === "preheader") continue;
    const [a, b] = [light(parsed(getComputedStyle(one).color)), light(behind(one))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`${one.textContent.trim().slice(0, 40)}: ${contrast}`);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 640])
async def test_every_notice_fits_and_is_readable(browser, width, scheme):
    """Nothing is wider than the screen, pictures load and have words, text stands out."""
    wrong = {}
    async with page_of(browser, width, scheme) as page:
        for name, sample in SAMPLES:
            notice = sample.write(RENDERER, "pt_BR")
            await page.set_content(page_of_notice(notice), wait_until="load")
            seen = await page.evaluate(LOOK) | {"faint": await page.evaluate(FAINT)}
            expected = dict.fromkeys(("wide", "broken", "nameless", "scripts", "foreign"), 0)
            expected |= {"pictures": len(notice.pictures), "faint": []}
            if seen != expected:
                wrong[name] = seen

    assert wrong == {}


async def test_dark_is_dark_and_light_is_light(browser):
    """As the reader's mail program asks for it."""
    notice = SAMPLES[0][1].write(RENDERER, "en")
    papers = {}
    for scheme in ("light", "dark"):
        async with page_of(browser, 640, scheme) as page:
            await page.set_content(page_of_notice(notice))
            color = "getComputedStyle(document.querySelector('.card')).backgroundColor"
            papers[scheme] = await page.evaluate(color)

    assert papers == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


async def test_hostile_names_are_text_on_the_page(browser):
    """What was written is what is read, and nothing of it runs."""
    hostile = [(name, sample) for name, sample in SAMPLES if name.endswith("hostile names")]
    assert len(hostile) >= 4
    async with page_of(browser, 640, "light") as page:
        alerts = []
        page.on("dialog", lambda dialog: alerts.append(dialog.message))
        for _, sample in hostile:
            await page.set_content(page_of_notice(sample.write(RENDERER, "en")))
            shown = re.sub(r"\s+", " ", await page.inner_text("body"))

            assert '<script>alert("x")</script> {{ 7 * 7 }} {% raw %}' in shown
            assert "Bcc: all@example.com 🚀" in shown
            assert "\u202e" not in shown
    assert alerts == []


async def test_without_a_style_sheet_it_still_is_a_notice(browser):
    """Some mail programs drop it: the inlined styles carry the page."""
    html = page_of_notice(SAMPLES[0][1].write(RENDERER, "en"))
    bare = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    async with page_of(browser, 640, "light") as page:
        await page.set_content(bare)
        color = "getComputedStyle(document.querySelector('.label')).color"

        assert await page.evaluate(color) == "rgb(87, 96, 106)"
        assert (await page.evaluate(LOOK))["wide"] == 0


def test_without_chromium_it_is_said_in_one_sentence(monkeypatch):
    """With the way to get it; nothing is left out silently."""
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)

    with pytest.raises(chromium.NoChromium) as missing:
        chromium.find()

    assert "apt-get install chromium" in str(missing.value)
