"""Fields people fill in: money, dates and times as they write them, never silently changed."""

# ruff: noqa: PT017 - a property: what is typed is a value or a sentence

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_views.forms import Saving, WallTime, form_class, moment_of, read_amount, read_whole, wall
from app.errors import DomainError

LISBON = ZoneInfo("Europe/Lisbon")
AMOUNTS = st.decimals(0, Decimal("9999999999.99"), places=2, allow_nan=False)
ZONES = st.sampled_from(
    ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]
)


def _at(zone: str | ZoneInfo = LISBON) -> Saving:
    found = ZoneInfo(zone) if isinstance(zone, str) else zone
    return Saving(None, found, "PT", notes=[])  # type: ignore[arg-type]


@given(AMOUNTS)
def test_an_amount_comes_back_as_it_was_written(value: Decimal) -> None:
    assert read_amount(f"{value:.2f}") == value
    assert read_amount(f"{value:.2f}".replace(".", ",")) == value
    assert read_amount(f"{value:,.2f}") == value
    swiss = f"{value:,.2f}".replace(",", "’")
    german = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
    assert read_amount(swiss) == read_amount(german) == value


@given(st.text(max_size=40))
def test_whatever_is_typed_is_an_exact_amount_or_a_sentence(text: str) -> None:
    try:
        value = read_amount(text)
    except ValueError as refusal:
        said = str(refusal)
        assert said.endswith("."), said
        assert ":" in said
    else:
        assert value.is_finite()
        assert value == value.quantize(Decimal("0.01"))
        assert 0 <= value <= Decimal("9999999999.99")


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "-1", "1e5", "12.345", "1,240", "1.2.3", "1,2,3", "12,34,567.00", "0x10",
     "٣", "1/2", "--5", "99999999999", "€5", "5 EUR", ".", ",", "1,23,4.00"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=":"):
        read_amount(text)


def test_a_currency_without_decimals_takes_none() -> None:
    assert read_amount("1240", 0) == 1240
    with pytest.raises(ValueError, match="no decimals"):
        read_amount("12.5", 0)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_whole_number_or_a_sentence(text: str) -> None:
    try:
        assert 1 <= read_whole(text, 1, 500) <= 500
    except ValueError as refusal:
        assert str(refusal).endswith(".")


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2190, 1, 1)).map(
        lambda d: d.replace(second=0, microsecond=0)
    ),
    ZONES,
)
def test_a_wall_time_is_shown_again_as_it_was_typed_or_is_refused(
    typed: datetime, zone: str
) -> None:
    context = _at(zone)
    try:
        moment = moment_of(typed, context)
    except DomainError as refusal:
        assert "skip" in str(refusal)
        gap = typed.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        assert wall(gap, ZoneInfo(zone)) != typed
    else:
        assert moment.tzinfo is not None
        assert wall(moment, ZoneInfo(zone)) == typed


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(DomainError, match="skip 01:30"):
        moment_of(datetime(2026, 3, 29, 1, 30), _at())


def test_of_a_time_that_comes_twice_the_first_is_taken_and_said() -> None:
    context = _at()
    moment = moment_of(datetime(2026, 10, 25, 1, 30), context)
    assert moment == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert context.notes == ["01:30 comes twice on that day: the first one was taken."]


def test_an_untouched_time_keeps_its_seconds_and_its_second_hour() -> None:
    second = datetime(2026, 10, 25, 1, 30, 12, tzinfo=UTC)
    field = form_class({"at": WallTime("At")})().at
    context = Saving(None, LISBON, "PT", second, [])  # type: ignore[arg-type]
    assert field.kept(field.shown(second, LISBON), context) == second
    later = field.kept(wall(second + timedelta(hours=5), LISBON), context)
    assert later == second.replace(second=0) + timedelta(hours=5)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_moment_or_a_sentence(text: str) -> None:
    field = form_class({"at": WallTime("At")})().at
    try:
        assert isinstance(field.read(text), datetime)
    except ValueError as refusal:
        assert str(refusal).endswith(".")
