"""The chart of what a customer spent: its shapes add up, and stay inside."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_views import customer_chart
from admin_views.customer_chart import GROUND, TOP
from reports.customer_figures import Month

amounts = st.decimals(0, 10**9, places=2)


def year(*pairs: tuple[str, str]) -> list[Month]:
    """Twelve months to November 2026; the first of `pairs` is the latest."""
    bought = list(pairs) + [("0", "0")] * (12 - len(pairs))
    months = [date(2025, 12, 1), *(date(2026, n, 1) for n in range(1, 12))]
    return [
        Month(first, Decimal(services), Decimal(products))
        for first, (services, products) in zip(reversed(months), bought, strict=True)
    ][::-1]


def test_months_are_drawn_to_scale_with_their_sums() -> None:
    chart = customer_chart.spend(year(("50", "25.50"), ("100", "0")))
    assert chart is not None
    assert "December 2025 to November 2026: services 150.00, products 25.50" in chart["label"]
    assert [text for _, text in chart["grid"]] == ["0", "50", "100"]
    assert [m["letter"] for m in chart["months"]] == list("DJFMAMJJASON")
    october, november = chart["months"][-2:]
    assert [(b.look, b.y, b.height) for b in october["bars"]] == [("c1", 12.0, 68.0)]
    assert [(b.look, b.height) for b in november["bars"]] == [("c1", 34.0), ("c2", 17.3)]
    assert [m["partial"] for m in chart["months"]] == [False] * 11 + [True]
    assert november["title"] == "November 2026: services 50.00, products 25.50"


def test_nothing_bought_is_no_chart() -> None:
    assert customer_chart.spend(year()) is None
    assert customer_chart.spend([]) is None


@given(st.lists(st.tuples(amounts, amounts), min_size=12, max_size=12))
def test_no_bar_leaves_the_picture(pairs: list[tuple[Decimal, Decimal]]) -> None:
    chart = customer_chart.spend(year(*((str(s), str(p)) for s, p in pairs)))
    if chart is None:
        assert not any(s or p for s, p in pairs)
        return
    assert len(chart["grid"]) == 3
    for month in chart["months"]:
        for bar in month["bars"]:
            assert TOP - 3 <= bar.y <= GROUND
            assert bar.y + bar.height <= GROUND + 0.1


@pytest.mark.parametrize(
    ("least", "step"),
    [(0.005, 0.005), (1, 1), (1.01, 2), (49.9, 50), (51, 100), (205, 250), (300, 500)],
)
def test_steps_are_round(least: float, step: float) -> None:
    assert customer_chart._step(least) == pytest.approx(step)
