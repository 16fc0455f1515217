"""Sales of products and the best items, against sums worked out by hand."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from admin_views import report_table
from app.database import begin
from app.tenancy import acting, admin_actor
from models.figures import ItemFigures, SaleFigures
from models.marketing_figures import AttachFigures
from tests import make
from tests.reports.asked import ANALYST, TODAY, ask, kept, vendor

DAY = timedelta(days=1)


def cents(**amounts: str) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def a_shop() -> tuple[int, int, dict[str, int]]:
    """A vendor with two products and a service sold this week; 90.00 and -5.00 of products.

    Shampoo, at home: 4 pieces for 100.00, 10.00 off, 30.00 of cost; a day later 1 came back for
    22.50. Brush, online: 1 piece for 22.50, cost not known. Cut: 2 for 80.00.
    """
    here, other = make.new_vendor(name="Here"), make.new_vendor(name="There")
    with acting(admin_actor(here)), begin() as session:
        care = make.category(session, kind="product", name="Care")
        shampoo = make.product(session, name="Shampoo", category_id=care.id)
        brush, cut = make.product(session, name="Brush"), make.service(session, name="Cut")
        ids = {"care": care.id, "shampoo": shampoo.id, "brush": brush.id, "cut": cut.id}
    base: dict[str, Any] = {"vendor_id": here, "lines": 1}
    first = {"item_id": ids["shampoo"], "category_id": ids["care"], "quantity": 4}
    rows: list[dict[str, Any]] = [
        {**base, **first, **cents(gross="100", discount="10", net="90", tax="20.70", cost="30")},
        {
            "vendor_id": here, "starts_on": TODAY + DAY, "item_id": ids["shampoo"],
            "category_id": ids["care"], "returned": 1, **cents(refunded="22.50"),
        },
        {
            **base, "item_id": ids["brush"], "quantity": 1, "channel": "online",
            **cents(gross="22.50", net="22.50"),
        },
        {
            **base, "kind": "service", "item_id": ids["cut"], "quantity": 2,
            **cents(gross="80", net="80"),
        },
        {
            "vendor_id": other, "item_id": 0, "quantity": 9, "starts_on": TODAY - 7 * DAY,
            **cents(gross="900", net="900"),
        },
    ]  # fmt: skip
    kept(ItemFigures, *rows)
    kept(SaleFigures, *({k: v for k, v in row.items() if k != "item_id"} for row in rows))
    kept(
        AttachFigures,
        {"vendor_id": here, "service_id": ids["cut"], "orders": 4, "with_product": 1},
        {"vendor_id": here, "service_id": 0, "orders": 4, "with_product": 1},
    )
    return here, other, ids


def test_products_add_up_by_day_and_by_every_table(db: Connection) -> None:
    here, _, ids = a_shop()
    week = {"from": TODAY, "to": TODAY + DAY, "by": "day"}
    answer = ask("product-sales", vendor(here), today=TODAY + DAY, **week)
    assert answer.rows("day", "quantity", "gross", "discount", "revenue", "cost", "margin") == [
        (TODAY, 5, Decimal("122.50"), 10, Decimal("112.50"), 30, Decimal("82.50")),
        (TODAY + DAY, 0, 0, 0, Decimal("-22.50"), 0, Decimal("-22.50")),
    ]
    sums = answer.found.sums
    assert (sums["revenue"], sums["quantity"], sums["returned"], sums["margin"]) == (90, 5, 1, 60)
    assert round(sums["rate"], 2) == Decimal("66.67")
    assert answer.table("products", "name", "revenue", "quantity") == [
        ("Shampoo", Decimal("67.50"), 4), ("Brush", Decimal("22.50"), 1),
    ]  # fmt: skip
    assert answer.table("category", "name", "revenue") == [
        ("Care", Decimal("67.50")), ("No category", Decimal("22.50")),
    ]  # fmt: skip
    assert answer.table("channel", "channel", "margin") == [
        ("walk_in", Decimal("37.50")), ("online", Decimal("22.50")),
    ]  # fmt: skip
    assert {lines.totals["revenue"] for lines in answer.tables.values()} == {Decimal("90.00")}
    online = ask("product-sales", vendor(here), channel="online", **week)
    assert online.found.sums["revenue"] == Decimal("22.50")
    care = ask("product-sales", vendor(here), category=ids["care"], **week)
    assert care.found.sums["revenue"] == Decimal("67.50")
    assert care.rows("revenue") == [(Decimal("90.00"),), (Decimal("-22.50"),)]


def test_weeks_and_months_are_sums_of_their_days(db: Connection) -> None:
    here, other, _ = a_shop()
    for by, revenue in (("week", [Decimal(900), Decimal(90)]), ("month", [Decimal(990)])):
        answer = ask("product-sales", ANALYST, today=TODAY + 2 * DAY, period="12w", by=by)
        assert [row.revenue for row in answer.found.rows] == revenue
    assert answer.table("vendor", "vendor_id", "revenue") == [(other, 900), (here, 90)]
    assert answer.table("product", "name", "vendor", "revenue") == [
        ("No longer sold", "There", 900), ("Shampoo", "Here", Decimal("67.50")),
        ("Brush", "Here", Decimal("22.50")),
    ]  # fmt: skip
    shown = report_table.drawn(answer.asked, answer.tables["product"], lambda **_: "", "", bool)
    assert [one["text"] for one in shown["totals"][::2]][:2] == ["", "990.00"]  # words have no sum
    one = ask("product-sales", ANALYST, period="12w", vendor=here, today=TODAY + 2 * DAY)
    assert one.found.sums["revenue"] == 90
    nobody = ask("product-sales", vendor(here), vendor=other, period="12w")
    assert nobody.asked.filters.vendor_ids == (here,)


def test_the_best_of_both_stand_side_by_side(db: Connection) -> None:
    here, _, ids = a_shop()
    week = {"from": TODAY, "to": TODAY + DAY}
    answer = ask("top-items", vendor(here), today=TODAY + DAY, **week)
    assert answer.rows("kind", "place", "name", "revenue", "quantity", "margin", "attach") == [
        ("service", 1, "Cut", 80, 2, 80, 25),
        ("product", 1, "Shampoo", Decimal("67.50"), 4, Decimal("37.50"), None),
        ("product", 2, "Brush", Decimal("22.50"), 1, Decimal("22.50"), None),
    ]
    assert [row.share for row in answer.found.rows] == [100, 75, 25]
    sums = answer.found.sums
    assert (sums["services"], sums["products"], sums["margin"], sums["attach"]) == (80, 90, 140, 25)
    assert round(sums["part"], 2) == Decimal("52.94")
    assert answer.table("services", "name", "attach") == [("Cut", 25)]
    ranked = ask("top-items", vendor(here), rank="quantity", today=TODAY + DAY, **week)
    assert ranked.rows("name") == [("Cut",), ("Shampoo",), ("Brush",)]
    [services, drill] = [answer.asked.report.tables[0], answer.asked.report.drill]
    assert services.drill is drill
    assert drill is not None
    address = drill(answer.found.rows[0], answer.asked.period, answer.asked.filters, None)
    assert address is not None
    # visits that no order sold are in the figures, and are found as bookings only
    assert address.startswith("/admin/booking/list?day_from=2026-11-20&day_to=2026-11-21")
    assert f"&status=completed&service={ids['cut']}" in address
    address = drill(answer.found.rows[1], answer.asked.period, answer.asked.filters, None)
    assert address is not None
    assert address.startswith("/admin/order/list?sold_from=2026-11-20&sold_to=2026-11-21&item=prod")


def test_a_removed_category_is_still_said(db: Connection) -> None:
    here = make.new_vendor()
    kept(SaleFigures, {"vendor_id": here, "category_id": 999_999, "lines": 1, **cents(net="5")})
    answer = ask("product-sales", vendor(here), period="7d")
    assert answer.table("category", "name", "revenue") == [("A category that is gone", 5)]
    assert ask("product-sales", vendor(here), category=999_999).found.sums["revenue"] == 5
    assert ask("product-sales", vendor(here), category=date.max.year).found.rows == []
