"""What stands in no category, or in one that is gone, is called the same in every report."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.tenancy import SYSTEM, acting, vendor_actor
from models.audiences import PreferenceFigures, WaitFigures
from models.figures import BookingFigures, SaleFigures
from tests import make
from tests.reports.asked import ask, kept

GONE = 10**9
FIGURES: dict[str, tuple[Any, dict[str, Any]]] = {
    "bookings": (BookingFigures, {"bookings": 5}),
    "waitlist": (WaitFigures, {"joined": 5}),
    "revenue": (SaleFigures, {"net": 5, "kind": "service"}),
    "product-sales": (SaleFigures, {"net": 5, "kind": "product"}),
}


def of_both(vendor: int, slug: str) -> None:
    categories = (0, GONE)
    if slug in FIGURES:
        model, sums = FIGURES[slug]
        kept(model, *({"vendor_id": vendor, "category_id": one, **sums} for one in categories))
        return
    with acting(SYSTEM), begin() as session:
        for one in categories:
            if slug == "lifetime-value":
                make.score_figure(session, vendor_id=vendor, category_id=one, valued=20)
            else:
                make.figures(
                    session, PreferenceFigures, vendor_id=vendor, grain="month", sort="service",
                    starts_on=date(2026, 11, 1), category_id=one, customers=5,
                )  # fmt: skip


@pytest.mark.parametrize("slug", [*FIGURES, "lifetime-value", "preferences"])
def test_no_category_and_one_that_is_gone(db: Connection, slug: str) -> None:
    vendor = make.new_vendor()
    of_both(vendor, slug)
    table = "preference" if slug == "preferences" else "category"
    words = {} if slug == "lifetime-value" else {"period": "12m"}
    told = ask(slug, vendor_actor(vendor), **words).table(table, "name")
    assert sorted(told) == [("A category that is gone",), ("No category",)]
