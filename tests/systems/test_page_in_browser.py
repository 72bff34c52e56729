"""The page of a run in a real browser: quiet, alone, and usable by everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from flows.ledger.states import RunState
from tests.page_run import made_run
from tests.servers.chromium import chromium, looking_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.system

HOSTILE = "<img src=x onerror=alert(1)></script>"
SOME = [
    *((f"u{number:04d}", "imported", None) for number in range(9_000)),
    *((f"r{number:04d}", "rejected", "email_invalid") for number in range(600)),
    *((f"d{number:04d}", "rejected", "duplicate_username") for number in range(40)),
    *((f"t{number:04d}", "deferred", None) for number in range(300)),
    (HOSTILE, "failed", "not_in_pool"),
]
HASHES = {"parameters": "cost 10", "way": "import_job", "reason": "hash_alphabet", "experience": "signs in"}
USE = {"throttled": 1, "first": 0, "last": 10, "share": 0.5, "origin": "default"}
EVERYTHING: dict[str, Any] = {
    "first_sign_ins": [HASHES | {"scheme": f"scheme_{number}", "users": 710} for number in range(14)],
    "calls": {
        "AdminCreateUser": USE | {"calls": 100, "category": "UserCreation", "limit": 50},
        "ListUsers": USE | {"calls": 10, "category": "UserList", "limit": 30},
    },
    "hashes_refused": ["BCRYPT"],
    "left_out": {"groups": {"user_not_found": 3}},
    "delta": {"since": "20261125T000000Z-000000", "reads": "everybody", "new": 7, "vanished": 1},
    "unmapped": {"shoe_size": 0.5},
    "read_back": 9_000,
    "drift": {"name": 2},
}
UNTIL = "new Promise((done) => {{ const look = () => {} ? done() : requestAnimationFrame(look); look(); }})"
"""Waits until something is so; Playwright's own way to wait is forbidden by the page's policy."""

ROWS = "#rejected tbody tr"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every part that there can be."""
    with made_run(tmp_path_factory.mktemp("runs"), SOME, state_now=RunState.READING, **EVERYTHING) as run:
        for number in range(1, 15):
            run.job(number, 640, begun=10 * number, ended=10 * number + 8)
        for after, state in enumerate((RunState.ROUTING, RunState.SENDING, RunState.PROVING), 5):
            run.come(state, after)
        run.end(after=200)
        return run.folder.page


def test_the_page_of_these_tests_has_every_part(browser: Browser, path: Path) -> None:
    with looking_at(browser, path) as look:
        parts = look.tab.locator("main > section").evaluate_all("parts => parts.map((part) => part.id)")
    assert parts == [
        "verdicts", "reasons", "sign-ins", "time", "quotas", "lacks", "changes", "fields", "drift",
        "rejected", "failed", "files",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_says_nothing_to_the_console_and_asks_nobody(browser: Browser, path: Path, scheme: str) -> None:
    with looking_at(browser, path, color_scheme=scheme) as look:
        assert look.said == []
        assert look.asked == [path.as_uri()]


def test_the_drawn_verdicts_add_up(browser: Browser, path: Path) -> None:
    """What the chart has drawn, asked of the chart itself."""
    with looking_at(browser, path) as look:
        drawn = look.tab.evaluate("Chart.getChart('verdicts-chart').data.datasets[0].data")
    assert sorted(drawn) == [1, 300, 640, 9_000]


def test_on_a_telephone_codes_are_cut_into_lines_and_prose_is_not_squeezed(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    long = [("u1", "rejected", "email_verified_without_email")]
    with made_run(tmp_path, long) as run:
        run.end()
        with looking_at(browser, run.folder.page, viewport={"width": 400, "height": 800}) as look:
            labels = look.tab.evaluate("Chart.getChart('reasons-chart').data.labels")
            widths = look.tab.locator("#reasons td.prose").evaluate_all(
                "all => all.map((e) => e.clientWidth)"
            )
            assert look.tab.evaluate("document.documentElement.scrollWidth") == 400
    assert labels == [["email_verified_", "without_email"]]
    assert min(widths) >= 220
    with looking_at(browser, path, viewport={"width": 1280, "height": 800}) as look:
        wide = look.tab.evaluate("Chart.getChart('reasons-chart').data.labels")
    assert ["duplicate_username"] in wide


def test_who_looks_for_a_user_finds_them(browser: Browser, path: Path) -> None:
    with looking_at(browser, path) as look:
        rows = look.tab.locator(ROWS)
        assert rows.count() == 25
        look.tab.locator("#rejected").get_by_label("Search").fill("r0333")
        expect(rows).to_have_text(["r0333email_invalid19335"])
        look.tab.locator("#rejected").get_by_label("Search").fill("nobody-of-this-name")
        expect(rows).to_have_text(["Nothing is found."])


def test_the_keyboard_alone_sorts_and_turns_pages(browser: Browser, path: Path) -> None:
    with looking_at(browser, path) as look:
        first = look.tab.locator(f"{ROWS} td").first
        head = look.tab.locator("#rejected th").first
        expect(first).to_have_text("r0000")
        for order, there in (("ascending", "d0000"), ("descending", "r0599")):
            press(look.tab, head.get_by_role("button"))
            expect(head).to_have_attribute("aria-sort", order)
            expect(first).to_have_text(there)
        press(look.tab, look.tab.locator("#rejected").get_by_role("link", name="Next"))
        expect(first).to_have_text("r0574")


def test_the_keyboard_reaches_everything_in_order(browser: Browser, path: Path) -> None:
    """The link over the top is first, and every control comes once."""
    with looking_at(browser, path) as look:
        met = []
        for _ in range(80):
            look.tab.keyboard.press("Tab")
            here = look.tab.evaluate("document.activeElement.outerHTML.slice(0, 200)")
            if "<body" in here:
                break
            met.append(here)
        assert "Skip to the report" in met[0]
        for control in (
            "Table of reasons",
            "rejected.csv",
            "failed.csv",
            "dt-search-",
            "dt-column-order",
            "dt-paging-button",
        ):
            assert any(control in each for each in met), control
        assert len(set(met)) >= len(met) - 8, "the focus goes in circles"


def press(tab: Page, control: Locator) -> None:
    """Press Enter on what has the focus, as somebody without a mouse does."""
    control.focus()
    assert tab.evaluate("document.activeElement !== document.body")
    tab.keyboard.press("Enter")


def test_an_id_that_looks_like_markup_is_shown_as_it_is(browser: Browser, path: Path) -> None:
    with looking_at(browser, path) as look:
        cell = look.tab.locator("#failed tbody td").first
        expect(cell).to_have_text(HOSTILE)
        look.tab.locator("#failed").get_by_label("Search").fill("<img")
        look.tab.locator("#failed th").first.get_by_role("button").click()
        expect(cell).to_have_text(HOSTILE)
        assert look.tab.locator("#failed img").count() == 0
        assert look.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_the_rules_of_accessibility(browser: Browser, path: Path, scheme: str) -> None:
    """Contrast, names, roles, order of headings: WCAG 2.2 AA and best practices, as axe-core knows them."""
    with looking_at(browser, path, color_scheme=scheme) as look:
        found = Axe().run(look.tab)
    assert found.violations_count == 0, found.generate_report()


def test_colours_that_are_too_pale_would_be_noticed(browser: Browser, path: Path) -> None:
    with looking_at(browser, path) as look:
        look.tab.evaluate("document.documentElement.style.setProperty('--muted', '#c8ccd0')")
        assert "color-contrast" in Axe().run(look.tab).generate_report()


def test_each_chart_is_drawn_with_the_numbers_of_its_table(browser: Browser, path: Path) -> None:
    ask = "(id) => Chart.getChart(id).data.datasets.map((each) => each.data)"
    with looking_at(browser, path) as look:
        drawn = {
            part: look.tab.evaluate(ask, f"{part}-chart")
            for part in ("reasons", "sign-ins", "time", "quotas")
        }
    assert drawn["reasons"] == [[600, 40, 1]]
    assert drawn["sign-ins"] == [[14 * 710]]
    assert len(drawn["time"][0]) == 4 + 14
    assert drawn["quotas"][0] == [pytest.approx(19.8), pytest.approx(3)]
    assert [sum(bars) for bars in zip(*drawn["quotas"], strict=True)] == [100, 100]


@pytest.mark.parametrize("width", [360, 1_280])
def test_nothing_sticks_out_at_the_side(browser: Browser, path: Path, width: int) -> None:
    with looking_at(browser, path, viewport={"width": width, "height": 800}) as look:
        assert look.tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_theme_follows_the_system_and_print_is_light(browser: Browser, path: Path) -> None:
    drawn = "Chart.getChart('verdicts-chart').data.datasets[0].backgroundColor[0]"
    with looking_at(browser, path, color_scheme="light") as look:
        light = look.tab.evaluate(drawn)
        look.tab.emulate_media(color_scheme="dark")
        look.tab.evaluate(UNTIL.format(f"{drawn} !== '{light}'"))
        look.tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert look.tab.evaluate(drawn) == light
        look.tab.evaluate("dispatchEvent(new Event('afterprint'))")
        assert look.tab.evaluate(drawn) != light


def test_a_script_that_slipped_in_would_not_run(browser: Browser, path: Path, tmp_path: Path) -> None:
    """The policy bites: the same page with one script more says so, and stays unchanged."""
    spoilt = tmp_path / "spoilt.html"
    text = path.read_text(encoding="utf-8")
    spoilt.write_text(text.replace("</main>", "<script>document.title = 'taken'</script></main>"))
    with looking_at(browser, spoilt) as look:
        assert look.tab.title().startswith("acme")
        assert any("Content Security Policy" in line for line in look.said)


@pytest.mark.slow
def test_a_page_with_a_million_users_behind_it_opens_nearly_as_fast_as_a_small_one(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    """And with a thousand jobs, and more rejected users than it names."""
    with made_run(tmp_path, million()) as run:
        for number in range(1, 1_001):
            run.job(number, 1_000, begun=60 * number, ended=60 * number + 50)
        run.end(after=61_000)
        assert run.folder.verdicts.stat().st_size > 2_000_000
        assert run.folder.page.stat().st_size < 3_000_000
        small, large = quickest(browser, path), quickest(browser, run.folder.page)
        assert large < TIMES * small
        with looking_at(browser, run.folder.page) as look:
            expect(look.tab.locator(ROWS)).to_have_count(25)
            drawn = look.tab.evaluate("Chart.getChart('verdicts-chart').data.datasets[0].data")
            assert (sum(drawn), look.said) == (MILLION, [])
            expect(look.tab.locator("#rejected .dt-info")).to_have_text("1 to 25 of 5,000")
            look.tab.locator("#rejected").get_by_label("Search").fill("line_ragged")
            expect(look.tab.locator("#rejected .dt-info")).to_have_text("1 to 3 of 3 (of 5,000)")


def quickest(browser: Browser, path: Path) -> float:
    """Milliseconds until a page is there and drawn: the best of some, since the machine may be busy."""
    return min(opened_after(browser, path) for _ in range(3))


def opened_after(browser: Browser, path: Path) -> float:
    with looking_at(browser, path) as look:
        return float(look.tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))


TIMES: Final = 5
"""How much longer the large page may take; it takes twice as long."""


MILLION = 1_000_000


def million() -> pl.DataFrame:
    """A million users, of whom 40,000 are rejected, three of them for a rare reason."""
    number = pl.int_range(MILLION)
    rare, rejected = number < 3, number < 40_000
    return pl.select(
        pl.format("source-id-{}", number).alias("id"),
        pl.when(rejected).then(pl.lit("rejected")).otherwise(pl.lit("imported")).alias("verdict"),
        pl.when(rare)
        .then(pl.lit("line_ragged"))
        .when(rejected)
        .then(pl.lit("email_invalid"))
        .alias("reason"),
    )
