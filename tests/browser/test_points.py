"""A reward is redeemed at the counter, by the keyboard; the customer's page tells of it."""

from decimal import Decimal

from playwright.sync_api import expect
from sqlalchemy import select

from app import clock
from app.operations import tiers
from models.points import LoyaltyAccount, LoyaltyEntry, RewardRedemption
from tests import make
from tests.browser.calendar_day import MANAGER
from tests.browser.house import Running
from tests.browser.visiting import Visit


def test_a_reward_is_redeemed_at_the_counter(
    visit: Visit, installation: Running, shape: tuple[int, int]
) -> None:
    n = make.number()
    with installation.at("alpha") as session:
        ana = make.customer(session, full_name=f"Rita Point {n}", email=f"rita{n}@alpha.example")
        program = make.program(session, name=f"Club {n}", return_days=14)
        for name, least in (("Silver", 0), ("Gold", 100)):
            make.tier(session, program=program, name=name, spend_from=Decimal(least))
        make.lot(session, account=make.account(session, program=program, customer=ana), points=250)
        account = session.scalars(
            select(LoyaltyAccount).where(LoyaltyAccount.customer_id == ana.id)
        ).one()
        tiers.look(session, account, at=clock.now())
        make.reward(session, program=program, name=f"Ten off {n}", amount=Decimal(10), points=200)
        make.reward(session, program=program, name=f"Spa day {n}", points=900)
        variant = make.variant(session, price=Decimal("30.00"), barcode=f"777{n:06}",
                               tracks_stock=False)  # fmt: skip
        who, code, account_id = ana.id, variant.barcode, None
    visitor = visit(MANAGER, shape)
    page = visitor.page
    visitor.open(f"/admin/counter?customer={who}")
    page.get_by_label("Find a service or product, or scan").fill(code or "")
    page.keyboard.press("Enter")
    expect(page.locator("[data-pos-total]")).to_have_text("30.00")
    expect(page.locator("[data-pos-points]")).to_contain_text(
        "250 points, Silver, 100.00 more to Gold"
    )
    visitor.check()
    page.keyboard.press("F10")
    gifts = page.locator("#pos-gifts")
    expect(gifts.get_by_role("button", name=f"Spa day {n}")).to_be_disabled()
    expect(gifts).to_contain_text("650 missing")
    visitor.shot("counter-rewards")
    page.keyboard.press("Enter")
    expect(page.locator("[data-pos-total]")).to_have_text("20.00")
    expect(page.locator("[data-pos-rewards]")).to_contain_text(f"Ten off {n}")
    visitor.shot("counter-reward-used")
    visitor.check()
    page.keyboard.press("F9")
    page.keyboard.press("F9")
    expect(page.locator("[data-pos-done]")).to_contain_text("is done")
    with installation.at("alpha") as session:
        used = session.scalars(
            select(RewardRedemption).join(LoyaltyAccount).where(LoyaltyAccount.customer_id == who)
        ).one()
        assert (used.status, used.worth, used.points) == ("redeemed", 10, 200)
        account_id = used.account_id
        kinds = session.scalars(
            select(LoyaltyEntry.kind)
            .where(LoyaltyEntry.account_id == account_id)
            .order_by(LoyaltyEntry.id)
        ).all()
        assert kinds == ["adjust", "hold", "release", "redeem", "pending_earn"]
    visitor.open(f"/admin/customer/details/{who}")
    card = page.locator("section.card", has=page.get_by_role("heading", name=f"Club {n}"))
    expect(card).to_contain_text("80.00 more to Gold")
    expect(card).to_contain_text("20 points")
    visitor.check()
    card.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name=f"Points of Rita Point {n}")).to_be_visible()
    expect(page.locator("table").first).to_contain_text("Redeemed")
    expect(page.locator("table").first).to_contain_text("−200")
    visitor.shot("points")
    visitor.check()
    page.get_by_role("button", name="Give points").click()
    page.get_by_label("How many").first.fill("1" + "0" * 20)
    page.get_by_label("Why").first.fill("By mistake")
    page.locator("dialog[open]").get_by_role("button", name="Give points").click()
    expect(page.locator("body")).to_contain_text("write one from 1 to 1,000,000,000")
