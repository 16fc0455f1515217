"""How values are written: what a person would type, in both environments, and never as HTML."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from admin_views import rendering
from admin_views.statuses import look_of
from app import clock
from app.settings import settings

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>" onmouseover="x'


@pytest.fixture(autouse=True)
def _friday() -> Iterator[None]:
    with clock.stopped_at(NOON), rendering.speaking_in(UTC):
        yield


@pytest.fixture
def yen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CURRENCY", "JPY")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCALE", "de")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Decimal("46.1"), "46.10"),
        (Decimal("-34.95"), "−34.95"),
        (Decimal("1240"), "1,240.00"),
        (Decimal(0), "0.00"),
        (None, "–"),
        (Decimal("NaN"), "–"),
        (Decimal("Infinity"), "–"),
    ],
)
def test_money_has_the_currency_decimals_and_a_real_minus(
    amount: Decimal | None, written: str
) -> None:
    assert rendering.money(amount) == written


@pytest.mark.usefixtures("yen")
def test_money_without_decimals() -> None:
    assert rendering.money(Decimal("1240")) == "1,240"


@pytest.mark.usefixtures("german")
def test_figures_follow_the_installations_locale() -> None:
    assert rendering.money(Decimal("1240.5")) == "1.240,50"
    assert rendering.day(date(2026, 5, 4)) == "4 Mai"


@pytest.mark.parametrize(
    ("value", "written"),
    [(1240, "1,240"), (-5, "−5"), (0, "0"), (None, "–"), (float("nan"), "–")],
)
def test_numbers(value: float | None, written: str) -> None:
    assert rendering.number(value) == written


@pytest.mark.parametrize(
    ("count", "written"),
    [(0, "0"), (2341, "2,341"), (10_000, "10,000"), (10_001, "10,000+"), (None, "")],
)
def test_counts_stop_at_the_cap(count: int | None, written: str) -> None:
    assert rendering.capped(count) == written


def test_ranges_have_an_en_dash() -> None:
    assert rendering.span(1, 25) == "1–25"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 11, 18), "18 Nov"),
        (date(2025, 12, 31), "31 Dec 2025"),
        (date(2027, 1, 1), "1 Jan 2027"),
        (None, "never"),
    ],
)
def test_the_year_is_written_when_it_is_another(value: date | None, written: str) -> None:
    assert rendering.day(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 11, 20), "today"),
        (date(2026, 11, 19), "yesterday"),
        (date(2026, 11, 18), "2 days ago"),
        (date(2026, 11, 13), "7 days ago"),
        (date(2026, 11, 12), "12 Nov"),
        (date(2026, 11, 21), "tomorrow"),
        (date(2026, 11, 22), "22 Nov"),
        (date(2019, 2, 3), "3 Feb 2019"),
        (None, "never"),
    ],
)
def test_days_ago_end_after_a_week(value: date | None, written: str) -> None:
    assert rendering.ago(value) == written


def test_a_day_is_that_of_the_zone_of_the_request() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    assert rendering.ago(late) == "yesterday"
    with rendering.speaking_in(ZoneInfo("Europe/Lisbon")):
        assert rendering.moment(late) == "19 Nov, 23:30"
    with rendering.speaking_in(ZoneInfo("Asia/Tokyo")):
        assert rendering.ago(late) == "today"
        assert rendering.moment(late) == "20 Nov, 08:30"
        assert rendering.day_head(late) == "Friday 20 November"
    assert rendering.clock_time(late) == "23:30"


def test_new_year_is_told_by_the_zone_too() -> None:
    eve = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    with clock.stopped_at(eve), rendering.speaking_in(ZoneInfo("Asia/Tokyo")):
        assert rendering.day(eve) == "1 Jan"
        assert rendering.day(date(2026, 12, 31)) == "31 Dec 2026"


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("+31612348890", "+31 6 12348890"),
        ("+14155552671", "+1 415-555-2671"),
        ("0612", "0612"),
        ("call me <b>", "call me <b>"),
        ("", "–"),
        (None, "–"),
    ],
)
def test_phones_are_spaced_and_what_is_none_stays(stored: str | None, written: str) -> None:
    assert rendering.phone(stored) == written


@given(st.text())
def test_a_dial_address_holds_digits_and_a_plus_only(typed: str) -> None:
    assert re.fullmatch(r"tel:[+0-9]*", rendering.dial(typed))


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Noor van den Heuvel", "NH"),
        ("Zoë", "Z"),
        ("", "?"),
        (None, "?"),
        ("· –", "?"),
        ("佐藤 美咲", "佐美"),
    ],
)
def test_initials(name: str | None, letters: str) -> None:
    assert rendering.initials(name) == letters


@given(st.text())
def test_every_name_has_initials(name: str) -> None:
    assert rendering.initials(name)


@pytest.mark.parametrize(
    ("value", "written"),
    [(45, "45 min"), (105, "1 h 45"), (120, "2 h"), (125, "2 h 05"), (None, "–")],
)
def test_minutes(value: int | None, written: str) -> None:
    assert rendering.minutes(value) == written


def test_plurals() -> None:
    assert rendering.plural(1, "row") == "1 row"
    assert rendering.plural(1240, "row") == "1,240 rows"
    assert rendering.plural(2, "person", "people") == "2 people"


class Word(StrEnum):
    PART_PAID = "part_paid"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        ("", "–"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (Decimal("5"), "5.00"),
        (Word.PART_PAID, "Part paid"),
        (["a", "b"], "a, b"),
        ([], "–"),
        (date(2026, 11, 18), "18 Nov"),
        (NOON, "20 Nov, 12:00"),
        (Markup("<b>x</b>"), Markup("<b>x</b>")),
        (HOSTILE, HOSTILE),
    ],
)
def test_any_value_reads_as_people_write_it(value: object, written: object) -> None:
    assert rendering.plain(value) == written


def test_only_exceptions_are_filled() -> None:
    assert look_of("active").quiet
    assert look_of("confirmed").quiet
    assert not look_of("no-show").quiet
    assert look_of("No Show").tone == "bad"
    assert look_of("pending", "task").word == "Open"
    assert look_of("some_new_word").word == "Some new word"
    assert look_of("").word == ""


def test_every_glyph_of_a_status_is_in_the_icon_font() -> None:
    import sqladmin

    from admin_views import statuses

    css = Path(sqladmin.__file__).parent / "statics" / "css" / "tabler-icons.min.css"
    font = set(re.findall(r"\.ti-([a-z0-9-]+):before", css.read_text()))
    looks = [*statuses._COMMON.values(), *statuses._OWN.values()]
    assert {look.icon for look in looks} <= font


def test_every_glyph_of_a_template_is_in_the_icon_font() -> None:
    import sqladmin

    css = Path(sqladmin.__file__).parent / "statics" / "css" / "tabler-icons.min.css"
    font = set(re.findall(r"\.ti-([a-z0-9-]+):before", css.read_text()))
    named: set[str] = set()
    for file in rendering.TEMPLATES.rglob("*.html"):
        named |= set(re.findall(r'icon\("([a-z0-9-]+)"', file.read_text()))
        named |= set(re.findall(r'class="ti ti-([a-z0-9-]+)"', file.read_text()))
    assert named
    assert named <= font


def test_no_template_has_an_inline_script_or_a_style() -> None:
    for file in rendering.TEMPLATES.rglob("*.html"):
        text = file.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), file
        assert not re.search(r"\sstyle=", text), file
        assert not re.search(r"\son[a-z]+=\"", text), file
        assert "|safe" not in text, file


def test_every_template_compiles_in_the_house_environment() -> None:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(rendering.TEMPLATES), autoescape=True, enable_async=True
    )
    rendering.install(env)
    names = env.list_templates(extensions=["html"])
    assert len(names) > 30
    for name in names:
        env.get_template(name)


def test_an_assets_address_follows_its_content() -> None:
    address = rendering.asset("backroom.css")
    assert re.fullmatch(r"/assets/backroom\.css\?v=[0-9a-f]{12}", address)
    assert address != rendering.asset("theme.js")


COLUMNS: list[dict[str, Any]] = [
    {"key": "name", "label": "Customer"},
    {"key": "status", "label": "Status", "kind": "pill"},
    {"key": "tags", "label": "Tags", "kind": "tags"},
    {"key": "spent", "label": "Spent", "kind": "money", "numeric": True, "sort_dir": "desc",
     "sort_url": "?sort=spent"},
    {"key": "last", "label": "Last visit", "kind": "day"},
    {"key": "email", "label": "E-mail", "on": False},
]  # fmt: skip


def row(**cells: object) -> dict[str, Any]:
    return {"pk": 7, "url": "/c/7", "title": HOSTILE, "sub": HOSTILE, "cells": cells}


def test_a_table_escapes_what_people_typed() -> None:
    drawn = rendering.table(COLUMNS, [row(status=HOSTILE, tags=[HOSTILE] * 3)], selectable=True)
    assert "<script" not in drawn
    assert '" onmouseover="x' not in drawn
    assert drawn.count("&lt;script&gt;") >= 5


def test_a_table_says_what_is_missing_and_what_is_sorted() -> None:
    drawn = rendering.table(COLUMNS, [row(spent=Decimal("-5"))])
    assert 'aria-sort="descending"' in drawn
    assert "−5.00" in drawn
    assert "never" in drawn
    assert "E-mail" not in drawn
    assert "select-box" not in drawn


def test_a_table_shows_two_tags_and_how_many_more() -> None:
    drawn = rendering.table(COLUMNS, [row(tags=["vip", "two pets", "colour", "english"])])
    assert "two pets" in drawn
    assert "+2" in drawn
    assert "<span>colour</span>" not in drawn


class FakeRequest:
    """The one thing of a request that a toast needs."""

    def __init__(self) -> None:
        self.session: dict[str, Any] = {}


def test_a_toast_waits_for_the_next_page_with_its_undo() -> None:
    request: Any = FakeRequest()
    rendering.say(request, "25 customers were tagged.", undo_url="/bulk/7/undo", job="7")
    rendering.say(request, "Saved.")
    first, second = request.session["_messages"]
    assert first["undo_url"] == "/bulk/7/undo"
    assert first["undo_fields"] == [("job", "7")]
    assert "undo_url" not in second


def test_nothing_owed_has_no_minus() -> None:
    assert rendering.money(Decimal("-0.00")) == "0.00"
    assert rendering.money(Decimal(0)) == "0.00"


CHOICES = [
    {"value": HOSTILE, "label": HOSTILE, "count": 20_000, "selected": True},
    {"value": "b", "label": "Balayage", "count_text": "437", "depth": 1},
]


def head(**more: object) -> str:
    filters = [{"name": "cat", "title": "Category", "kind": "choices", "open": True,
                "choices": CHOICES, "hidden": [("search", HOSTILE)]}]  # fmt: skip
    context = {"filters": filters, "nouns": "customers", "noun": "customer"}
    return rendering.list_head({**context, "pagination": {}, **more})


def test_a_filter_keeps_the_rest_of_the_address_and_escapes_it() -> None:
    drawn = head(search=HOSTILE, search_hint="Name")
    assert "<script" not in drawn
    assert '" onmouseover="x' not in drawn
    assert 'type="hidden" name="search"' in drawn
    assert "10,000+" in drawn
    assert drawn.count(" checked") == 1
    assert "in-1" in drawn


def test_a_filter_in_force_is_a_chip_and_not_offered_again() -> None:
    chips = [
        {"name": "cat", "title": "Category", "value": HOSTILE, "more": 1, "remove_url": "?a=1"}
    ]
    drawn = head(chips=chips, clear_url="?")
    assert "Remove filter Category" in drawn
    assert "<script" not in drawn
    assert "data-add-filter" not in drawn
    assert drawn.count("<details") == 1


def test_a_bulk_action_carries_the_fingerprint() -> None:
    actions = [{"slug": "status", "url": "/b?x=1", "title": "Set status", "kind": "choice",
                "choices": [("active", HOSTILE)]}]  # fmt: skip
    drawn = head(actions=actions, fingerprint="f1", match_text="2,341")
    assert 'name="fingerprint" value="f1"' in drawn
    assert 'method="post" action="/b?x=1"' in drawn
    assert "<script" not in drawn
