"""The page of a run in a real browser: quiet, alone, and usable by everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.page_run import made_run
from tests.servers.chromium import chromium, looking_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.system

SOME = [
    *((f"u{number:03d}", "imported", None) for number in range(90)),
    *((f"u{number:03d}", "rejected", "email_invalid") for number in range(90, 96)),
    *((f"u{number:03d}", "deferred", None) for number in range(96, 100)),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with made_run(tmp_path_factory.mktemp("runs"), SOME) as run:
        run.end()
        return run.folder.page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_says_nothing_to_the_console_and_asks_nobody(browser: Browser, path: Path, scheme: str) -> None:
    with looking_at(browser, path, color_scheme=scheme) as look:
        assert look.said == []
        assert look.asked == [path.as_uri()]


def test_the_drawn_verdicts_add_up(browser: Browser, path: Path) -> None:
    """What the chart has drawn, asked of the chart itself."""
    with looking_at(browser, path) as look:
        drawn = look.tab.evaluate("Chart.getChart('verdicts-chart').data.datasets[0].data")
    assert sorted(drawn) == [4, 6, 90]


def test_a_script_that_slipped_in_would_not_run(browser: Browser, path: Path, tmp_path: Path) -> None:
    """The policy bites: the same page with one script more says so, and stays unchanged."""
    spoilt = tmp_path / "spoilt.html"
    text = path.read_text(encoding="utf-8")
    spoilt.write_text(text.replace("</main>", "<script>document.title = 'taken'</script></main>"))
    with looking_at(browser, spoilt) as look:
        assert look.tab.title().startswith("acme")
        assert any("Content Security Policy" in line for line in look.said)
