"""A category's own row in a report and the list behind it: both are of that category alone."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest

from app.database import begin
from app.operations import audiences, demand, figures
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.categories import CategoryKind
from reports.registry import all_reports
from reports.report import Filters, Period
from reports.spans import Grain
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager
from tests.admin_views.reading import leaks, text_of

AT = datetime(2026, 11, 17, 10, tzinfo=UTC)
DAY = Period(date(2026, 11, 17), date(2026, 11, 17))
MONTHS = Period(date(2026, 11, 1), date(2026, 11, 30))
OF = {"care": 1, "hair": 2, "pets": 1, "toys": 3}
"""How many of everything there are of a category; hair is below care, toys are below pets."""


def sells(session: Any, category: int, *, service: bool) -> None:
    """Somebody came or bought, of one category, for a single coin; and somebody else waits."""
    customer = make.customer(session)
    if service:
        cut = make.service(session, category_id=category, price=Decimal(1))
        done = {"status": "completed", "completed_at": AT}
        make.booking(session, customer=customer, service=cut, starts_at=AT, **done)
        make.waitlist_entry(session, service=cut, created_at=AT)
        kind, item = "appointment", cut.id
    else:
        product = make.product(session, category_id=category, variants=0)
        ball = make.variant(session, product=product, price=Decimal(1), cost=Decimal(1))
        make.stock_move(session, variant=ball, on_hand=1)
        order = make.order(session, customer=customer, lines=0, status="fulfilled",
                           fulfilled_at=AT)  # fmt: skip
        make.order_line(session, order=order, variant=ball)
        kind, item = "product", product.id
    make.interest(
        session, customer=customer, kind=kind, item_id=item, category_id=category, last_at=AT
    )


@pytest.fixture
def shop(panel: PanelClient, at_noon: datetime) -> dict[str, int]:
    """A vendor, and the categories by their names."""
    vendor, ids = make.new_vendor(), {}
    with acting(admin_actor()), begin() as session:
        for above, below in (("care", "hair"), ("pets", "toys")):
            kind = CategoryKind.SERVICE if above == "care" else CategoryKind.PRODUCT
            top = make.category(session, name=above.title(), kind=kind)
            inner = make.category(session, name=below.title(), kind=kind, parent_id=top.id)
            ids |= {above: top.id, below: inner.id}
    with acting(vendor_actor(vendor)), begin() as session:
        for name, many in OF.items():
            for _ in range(many):
                sells(session, ids[name], service=name in ("care", "hair"))
    with acting(SYSTEM), begin() as session:
        while figures.freshen(session):
            pass
        demand.rebuild(session, vendor_id=vendor)
        audiences.rebuild(session, vendor_id=vendor)
    panel.as_(manager(vendor))
    return {"vendor": vendor, **ids}


def found(panel: PanelClient, address: str) -> int:
    """How many a list has."""
    answer = panel.get(address)
    assert answer.status_code == 200, text_of(answer.text)[-500:]
    assert leaks(answer.text) is None
    noun = address.split("/")[2]
    rows = answer.text.partition("<tbody")[2].partition("</tbody>")[0]
    return len(set(re.findall(rf"/admin/{noun}/details/(\d+)", rows)))


@pytest.mark.parametrize(
    ("slug", "key", "counted", "names", "chosen"),
    [
        ("bookings", "category", "bookings", ("care", "hair"), {}),
        ("revenue", "category", "revenue", tuple(OF), {}),
        ("product-sales", "category", "quantity", ("pets", "toys"), {}),
        ("stock", "category", "on_hand", ("pets", "toys"), {}),
        ("waitlist", "category", "joined", ("care", "hair"), {}),
        ("preferences", "preference", "customers", ("care", "hair"), {"sort": "service"}),
        ("preferences", "preference", "customers", ("pets", "toys"), {"sort": "product"}),
    ],
)
def test_a_categorys_own_row_counts_what_the_list_behind_it_shows(
    panel: PanelClient,
    shop: dict[str, int],
    slug: str,
    key: str,
    counted: str,
    names: tuple[str, ...],
    chosen: Mapping[str, str],
) -> None:
    table = next(one for one in all_reports()[slug].tables if one.key == key)
    filters = Filters(vendor_ids=(shop["vendor"],), chosen=tuple(chosen.items()))
    days = MONTHS if slug == "preferences" else DAY
    with acting(vendor_actor(shop["vendor"])), begin() as session:
        rows = session.execute(table.query(days, filters, Grain.DAY)).all()
    ids = [getattr(row, table.identity or "category_id") for row in rows]
    assert sorted(ids) == sorted(shop[name] for name in names)
    assert table.drill is not None
    links = [table.drill(row, days, filters, None) for row in rows]
    for who in (manager(shop["vendor"]), admin()):
        panel.as_(who)
        behind = {at: found(panel, str(link)) for at, link in zip(ids, links, strict=True)}
        assert behind == {shop[name]: OF[name] for name in names}
        assert behind == {at: getattr(row, counted) for at, row in zip(ids, rows, strict=True)}


LISTS = {
    "booking": ("category", "care", "hair"),
    "order": ("category", "pets", "toys"),
    "variant": ("category", "pets", "toys"),
    "waitlist-entry": ("category", "care", "hair"),
    "customer": ("service_category", "care", "hair"),
}


@pytest.mark.parametrize("noun", LISTS)
def test_that_nothing_below_is_meant_is_shown_and_taken_away_like_any_filter(
    panel: PanelClient, shop: dict[str, int], noun: str
) -> None:
    name, top, inner = LISTS[noun]
    here, own = f"/admin/{noun}/list", f"{shop[top]}-only"
    assert found(panel, f"{here}?{name}={shop[top]}") == OF[top] + OF[inner]
    assert found(panel, f"{here}?{name}={own}") == OF[top]
    assert found(panel, f"{here}?{name}={own}&{name}={shop[inner]}") == OF[top] + OF[inner]
    assert found(panel, f"{here}?{name}={own}&{name}={shop[top]}") == OF[top] + OF[inner]
    page = panel.get(f"{here}?{name}={own}").text
    assert f"ategory: {top.title()}, nothing below it" in text_of(page)
    box = f'<input class="form-check-input" type="checkbox" name="{name}" value="{own}" checked>'
    assert box in page
    [away] = re.findall(r'<a class="x" href="([^"]*)" aria-label="Remove[^"]*ategory"', page)
    assert name not in away
    assert found(panel, urljoin(here, unescape(away))) >= OF[top] + OF[inner]
    page = panel.get(f"{here}?{name}={shop[inner]}-only").text
    assert f"ategory: {inner.title()} " in text_of(page), "nothing is below it, and nothing is said"


BAD = ("-only", "0-only", "x-only", "-4-only", "7-only-only", "9" * 20 + "-only", "7-ONLY")


@pytest.mark.parametrize("noun", LISTS)
def test_what_cannot_be_read_is_no_category_and_one_that_is_gone_finds_nothing(
    panel: PanelClient, shop: dict[str, int], noun: str
) -> None:
    name = LISTS[noun][0]
    for said in BAD:
        page = panel.get(f"/admin/{noun}/list?{name}={said}")
        assert page.status_code == 200
        assert "ategory:" not in text_of(page.text), said
    gone = f"/admin/{noun}/list?{name}={2**62}-only"
    assert found(panel, gone) == 0
    assert "ategory: unknown" in text_of(panel.get(gone).text)


def test_stock_by_vendor_leads_to_what_the_chosen_category_has_of_it(
    panel: PanelClient, shop: dict[str, int]
) -> None:
    table = next(one for one in all_reports()["stock"].tables if one.key == "vendor")
    ids = (shop["pets"], shop["toys"])
    filters = Filters(category_ids=ids[1:], categories=ids[1:])
    with acting(admin_actor()), begin() as session:
        [row] = session.execute(table.query(DAY, filters, Grain.DAY)).all()
    assert table.drill is not None
    panel.as_(admin())
    assert found(panel, str(table.drill(row, DAY, filters, None))) == row.on_hand == OF["toys"]
