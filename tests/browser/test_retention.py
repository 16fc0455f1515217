"""Who came back, on screen: from a cell of the cohorts and from a group to the customers behind."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from app.database import begin
from app.operations import score_keeping, score_market, score_nights
from app.tenancy import acting, admin_actor
from tests import make
from tests.browser.calendar_day import MANAGER
from tests.browser.house import Running, bound
from tests.browser.visiting import PHONE, WIDE, Visit

LAST = datetime(2024, 6, 20, 12, tzinfo=UTC)
DAYS = f"from=2024-01-01&to={LAST:%Y-%m-%d}"


@pytest.fixture(scope="module")
def spring(installation: Running) -> None:
    """Half a year of forty customers who come back more or less often; they are ranked in June."""
    vendor = installation.house.vendors["alpha"]
    with bound(installation.database), acting(admin_actor(vendor)), begin() as session:
        for n in range(40):
            customer = make.customer(session, full_name=f"Regular {n}", visit_count=1 + n % 7)
            for k in range(1 + n % 7):
                at = datetime(2024, 1, 3, 9, tzinfo=UTC) + timedelta(days=3 * n + 17 * k)
                make.booking(
                    session, customer=customer, starts_at=at, completed_at=at, status="completed",
                    price=Decimal(20 + n), channel="online" if n % 2 else "phone",
                )  # fmt: skip
        session.flush()
        score_keeping.rebuild_vendor(session, vendor_id=vendor)
        score_nights.settle(session, vendor_id=vendor, as_of=LAST.date())
        score_market.gather(session, as_of=LAST.date())


@pytest.mark.usefixtures("spring")
@pytest.mark.parametrize("shape", [WIDE, PHONE], ids=["wide", "phone"])
def test_from_a_cell_and_from_a_group_to_the_customers(
    visit: Visit, shape: tuple[int, int]
) -> None:
    visitor = visit(MANAGER, shape, dark=shape == PHONE)
    visitor.open(f"/admin/reports/cohorts?{DAYS}&by=month")
    cell = visitor.page.get_by_role("link", name="January 2024, 1: ")
    expect(cell).to_be_visible()
    visitor.shot("cohorts")
    visitor.check()
    cell.click()
    visitor.page.wait_for_url("**/admin/customer/list?cohort=2024-01")
    expect(visitor.page.get_by_text("Regular 0").first).to_be_visible()
    visitor.open(f"/admin/reports/rfm?{DAYS}&table=moves")
    expect(visitor.page.get_by_role("columnheader", name="Champions")).to_be_visible()
    visitor.shot("rfm")
    visitor.check()
    for slug in ("repeat-customers", "lifetime-value"):
        visitor.open(f"/admin/reports/{slug}?{DAYS}")
        visitor.shot(slug)
        visitor.check()
