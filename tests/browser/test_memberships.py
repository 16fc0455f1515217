"""A membership is set up, renewed and let rest by the buttons of its page; it pays at the till."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app import clock
from app.operations import memberships, packages, periods
from models.memberships import Membership, PlanBenefit
from models.orders import Order
from models.packages import PackageHolding
from tests import make
from tests.browser.visiting import PHONE, WIDE, Visit

MANAGER = "manager@alpha.example"


@pytest.mark.parametrize("shape", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_membership_is_renewed_and_rests(visit: Visit, shape: tuple[int, int]) -> None:
    visitor = visit(MANAGER, shape)
    page = visitor.page
    with visitor.running.at("alpha") as session:
        customer = make.customer(session, full_name="Renata Sol")
        plan = make.plan(session, name="Gold", price=Decimal("49.00"))
        number = memberships.join(session, customer_id=customer.id, plan_id=plan.id).id
        before = session.get_one(Membership, number).period_ends_at
        plan_id = plan.id
    visitor.open(f"/admin/membership-plan/details/{plan_id}")
    page.get_by_role("link", name="Add").first.click()
    page.get_by_label("Percent off").fill("15")
    page.get_by_role("button", name="Save").first.click()
    visitor.open(f"/admin/membership/details/{number}")
    expect(page.get_by_text("15% off everything")).to_be_visible()
    page.get_by_role("button", name="Renew, cash").click()
    dialog = page.locator("#do-renew-cash")
    expect(dialog).to_contain_text("Renew Gold for 49.00?")
    dialog.get_by_role("button", name="Renew, cash").click()
    visitor.toast("It is renewed and paid.")
    page.get_by_role("button", name="Let it rest").click()
    dialog = page.locator("#do-freeze")
    rests = (clock.now() + timedelta(days=11)).date()
    dialog.get_by_label("Until").fill((clock.now() - timedelta(days=3)).date().isoformat())
    dialog.get_by_role("button", name="Let it rest").click()
    expect(page.get_by_text("A rest ends in the future")).to_be_visible()
    page.get_by_role("button", name="Let it rest").click()
    dialog.get_by_label("Until").fill(rests.isoformat())
    dialog.get_by_label("Why").fill("A journey")
    dialog.get_by_role("button", name="Let it rest").click()
    visitor.toast("The membership rests.")
    page.get_by_role("button", name="Go on").click()
    visitor.toast("The membership goes on.")
    page.get_by_role("button", name="Let it run out").click()
    visitor.toast("The membership ends with its period.")
    with visitor.running.at("alpha") as session:
        member = session.get_one(Membership, number)
        renewed = periods.end(member.started_at, "month", before, "Europe/Lisbon")  # type: ignore[arg-type]
        assert timedelta(0) <= member.period_ends_at - renewed < timedelta(minutes=5)
        order = session.scalars(select(Order).where(Order.customer_id == member.customer_id)).one()
        assert (order.status, order.paid, order.total) == ("completed", 49, 49)
        assert member.cancel_at_period_end
        given = select(PlanBenefit.percent).where(PlanBenefit.plan_id == plan_id)
        assert session.scalars(given).all() == [15]


def test_a_package_pays_at_the_till_by_one_press(visit: Visit) -> None:
    visitor = visit(MANAGER, WIDE)
    page = visitor.page
    with visitor.running.at("alpha") as session:
        customer = make.customer(session, full_name="Paula Pack")
        cut = make.service(session, name="Fringe cut", price=Decimal("12.00"))
        package = make.package(session, name="Five fringes", service_id=cut.id, uses=5)
        held = packages.hand_out(session, customer_id=customer.id, package_id=package.id).id
        who = customer.id
    visitor.open(f"/admin/counter?customer={who}")
    page.locator("[data-pos-item]").fill("Fringe cut")
    page.get_by_role("option", name="Fringe cut").first.click()
    page.get_by_role("button", name="Use Five fringes, 5 left").click()
    expect(page.get_by_role("button", name="Paid by Five fringes")).to_be_visible()
    expect(page.locator("[data-pos-total]")).to_have_text("0.00")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-pos-done]")).to_be_visible()
    with visitor.running.at("alpha") as session:
        kept = session.get_one(PackageHolding, held)
        assert (kept.uses_left, kept.uses_used) == (4, 1)
    visitor.open(f"/admin/package-holding/details/{held}")
    expect(page.get_by_text("Used").first).to_be_visible()
    page.get_by_role("button", name="Give a use back").click()
    page.locator("#do-restore").get_by_role("button", name="Give a use back").click()
    visitor.toast("The last use is given back.")
    with visitor.running.at("alpha") as session:
        assert session.get_one(PackageHolding, held).uses_left == 5
