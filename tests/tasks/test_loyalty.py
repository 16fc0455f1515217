"""What the clock does to points: every vendor that has a programme gets its turn, once an hour."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Connection, select

from app import clock
from app.database import begin
from app.operations import rewards
from app.tenancy import acting, vendor_actor
from models.points import LoyaltyAccount, LoyaltyEntry
from tasks.celery import MODULES, celery_app
from tasks.loyalty import pass_time
from tests import make
from tests.operations.loyalty_desk import bought, drafted, make_variant


def an_hour(after: timedelta) -> int:
    with clock.stopped_at(make.NOON + after):
        changed: int = pass_time.apply().get()
    return changed


def test_the_clock_knows_the_task() -> None:
    assert "tasks.loyalty" in MODULES
    assert celery_app.conf.beat_schedule["pass-time-for-points"]["task"] == pass_time.name


def test_time_passes_for_points_of_every_vendor_and_only_once(db: Connection) -> None:
    born = make.NOON.date().replace(year=1990) + timedelta(days=16)
    vendors = [make.new_vendor() for _ in range(2)]
    for vendor_id in (*vendors, make.new_vendor()):
        with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON), begin() as session:
            if vendor_id not in vendors:
                continue
            program = make.program(session, return_days=14, expiry="days", expiry_days=10)
            make.tier(session, program=program, spend_from=Decimal(0))
            make.loyalty_rule(session, program=program, earned_by="birthday", bonus=50)
            ana = make.customer(session, birthday=born)
            bought(session, ana, "30.00")
            make.lot(session, account=make.account(session, program=program), points=100)
            reward = make.reward(session, program=program, points=10)
            account = session.scalars(
                select(LoyaltyAccount).where(LoyaltyAccount.customer_id != ana.id)
            ).one()
            drafted(session, account.customer, make_variant(session, "9.00"), reward.id)
            assert rewards.lapse(session, vendor_id=vendor_id) == 0
    assert an_hour(timedelta(hours=1)) == 0
    assert an_hour(timedelta(days=1)) == 2  # the drafts
    assert an_hour(timedelta(days=14)) == 2  # what can be spent now
    assert an_hour(timedelta(days=16)) == 2  # a birthday
    assert an_hour(timedelta(days=16, hours=3)) == 0
    assert an_hour(timedelta(days=24)) == 2  # what expires
    for vendor_id in vendors:
        with acting(vendor_actor(vendor_id)), begin() as session:
            kinds = session.scalars(select(LoyaltyEntry.kind).order_by(LoyaltyEntry.id)).all()
            assert kinds == [
                "pending_earn",
                "adjust",
                "hold",
                "release",
                "mature",
                "earn",
                "expire",
            ]
