"""Figures of ledgers follow them: what changes is noted, worked out, and equals a rebuild."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.operations import bookings, figures, forgetting
from app.tenancy import SYSTEM, acting, vendor_actor
from models.figures import StaleDay
from models.marketing_figures import (
    AttachFigures,
    CouponFigures,
    MembershipFigures,
    MessageFigures,
    PackageFigures,
    PointFigures,
)
from models.memberships import Membership
from models.messages import Message
from models.orders import Order
from tests import make

NOON, DAY = make.NOON, timedelta(days=1)
MINE = (
    CouponFigures, PointFigures, MembershipFigures, PackageFigures, MessageFigures, AttachFigures,
)  # fmt: skip


def all_rows(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order of its key."""
    return {
        model.__tablename__: [
            tuple(row)
            for row in session.execute(
                select(*model.__table__.c).order_by(*model.__table__.primary_key)
            )
        ]
        for model in MINE
    }


def freshen() -> int:
    """Work off every note; how many days there were."""
    with acting(SYSTEM), begin() as session:
        return figures.freshen(session)


def kept() -> dict[str, list[tuple[Any, ...]]]:
    with acting(SYSTEM), begin() as session:
        return all_rows(session)


def told_from_ledgers() -> dict[str, list[tuple[Any, ...]]]:
    with acting(SYSTEM), begin() as session:
        figures.rebuild(session)
        return all_rows(session)


def a_day_of_everything(vendor_id: int) -> dict[str, int]:
    """Something in every ledger, some of it on days long past."""
    with acting(vendor_actor(vendor_id)), begin() as session:
        cut, variant = make.service(session), make.variant(session)
        who = make.customer(session)
        order = make.order(
            session, customer=who, variant=variant, status="fulfilled", fulfilled_at=NOON
        )
        make.order_line(session, order=order, kind="service", service_id=cut.id)
        make.coupon_redemption(session, coupon=make.coupon(session), order=order)
        make.lot(session, points=50)
        make.holding(session, uses_left=3, paid=Decimal("90.00"))
        old = make.membership(session, customer=who, started_at=NOON - 400 * DAY)
        told = make.message(
            session, customer=who, status="sending", purpose="marketing", send_at=NOON - 3 * DAY
        )
        return {"order": order.id, "membership": old.id, "message": told.id, "who": who.id}


def test_what_happens_is_noted_and_worked_out(db: Connection) -> None:
    vendor_id = make.new_vendor()
    freshen()
    ids = a_day_of_everything(vendor_id)
    assert freshen() == 2  # today, and the day the membership began
    first = kept()
    assert {name: bool(rows) for name, rows in first.items()} == {
        model.__tablename__: model is not MessageFigures for model in MINE
    }
    assert freshen() == 0
    with acting(vendor_actor(vendor_id)), begin() as session:
        message = session.get_one(Message, ids["message"])
        message.status, message.sent_at = "sent", NOON - 3 * DAY
        member = session.get_one(Membership, ids["membership"])
        member.status, member.ended_at = "ended", NOON - 30 * DAY
        session.get_one(Order, ids["order"]).fulfilled_at = NOON - 5 * DAY
    with acting(SYSTEM), begin() as session:
        days = set(session.scalars(select(StaleDay.day)))
    assert {(NOON - n * DAY).date() for n in (0, 3, 5, 30)} <= days
    freshen()
    after = kept()
    assert after["message_figures"]
    assert after != first
    assert after == told_from_ledgers()


def test_weeks_and_months_are_sums_and_nothing_drifts(db: Connection) -> None:
    vendor_id = make.new_vendor(time_zone="Pacific/Auckland")
    freshen()
    a_day_of_everything(vendor_id)
    freshen()
    for rows in kept().values():
        by_grain = {
            grain: sum(row[-1] for row in rows if row[1] == grain)
            for grain in ("day", "week", "month")
        }
        assert len(set(by_grain.values())) == 1
    with acting(SYSTEM), begin() as session:
        days = [(vendor_id, (NOON + n * DAY).date()) for n in (-400, 0, 1)]
        assert figures.drift(session, days=days) == []


def test_what_a_rule_sent_stays_its_own_when_the_customer_is_forgotten(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        who, rule = make.customer(session), make.message_rule(session, event="win_back")
        told = {"customer": who, "event": "win_back", "status": "sent", "sent_at": NOON}
        for n, key in enumerate((f"rule:{rule.id}:quiet:{who.id}", "thanks", None)):
            make.message(session, key=key, send_at=NOON + n * DAY, **told)
    freshen()
    with acting(vendor_actor(vendor_id)), begin() as session:
        forgetting.forget(session, customer_id=who.id)
        keys = session.scalars(select(Message.key).order_by(Message.send_at)).all()
    assert [key is None for key in keys] == [False, True, True]
    assert keys[0] != f"rule:{rule.id}:quiet:{who.id}"
    freshen()
    assert kept() == told_from_ledgers()
    assert {row[6] for row in kept()["message_figures"]} == {rule.id, 0}


def test_who_came_is_settled_later(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        who = make.customer(session)
        make.message(
            session, customer=who, status="sent", purpose="marketing", sent_at=NOON, send_at=NOON
        )
    freshen()
    with acting(SYSTEM), begin() as session:
        assert session.scalars(select(MessageFigures.came)).all() == [0, 0, 0]
    with acting(vendor_actor(vendor_id)), begin() as session:
        make.booking(
            session, customer=who, status="completed", created_at=NOON + DAY,
            starts_at=NOON + 9 * DAY, completed_at=NOON + 9 * DAY,
        )  # fmt: skip
    freshen()
    with clock.stopped_at(NOON + 10 * DAY), acting(SYSTEM), begin() as session:
        assert session.scalars(select(MessageFigures.came)).all() == [0, 0, 0]
        assert figures.settle(session, vendor_id=vendor_id, now=clock.now()) == 1
        assert session.scalars(select(MessageFigures.came)).all() == [1, 1, 1]
        settled = figures.settle(session, vendor_id=vendor_id, now=NOON + 40 * DAY)
        assert settled == 0


def test_a_visit_that_is_written_down_late_is_settled_too(db: Connection) -> None:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), begin() as session:
        who = make.customer(session)
        make.message(
            session, customer=who, status="sent", purpose="marketing", sent_at=NOON, send_at=NOON
        )
        visit = make.booking(
            session, customer=who, status="confirmed", created_at=NOON + DAY,
            starts_at=NOON + 13 * DAY,
        ).id  # fmt: skip
    freshen()
    nights = [NOON + n * DAY for n in range(1, 17)]
    with acting(SYSTEM), begin() as session:
        for now in nights:
            assert figures.settle(session, vendor_id=vendor_id, now=now) == 1
        assert session.scalars(select(MessageFigures.came)).all() == [0, 0, 0]
    with clock.stopped_at(NOON + 20 * DAY), acting(vendor_actor(vendor_id)), begin() as session:
        bookings.complete(session, booking_id=visit)
    with acting(SYSTEM), begin() as session:
        figures.settle(session, vendor_id=vendor_id, now=NOON + 21 * DAY)
        assert session.scalars(select(MessageFigures.came)).all() == [1, 1, 1]
