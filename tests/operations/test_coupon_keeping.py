"""Coupons as a vendor writes them down: codes, hours, things; and codes by the thousand."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError
from app.operations import code_making, coupon_keeping, coupons, forgetting, merging, orders
from app.operations.benefits import Asked
from app.operations.coupon_keeping import (
    BadWindow,
    CodeTaken,
    HowMany,
    NoCode,
    NotACode,
    TooMuchPercent,
    UsedMore,
    WindowsOverlap,
    WorthStands,
)
from app.operations.lines import DraftLine
from app.tenancy import acting, vendor_actor
from models.coupons import CodeBatch, Coupon, CouponCode, CouponRedemption
from models.orders import LineKind, Order
from models.outbox import OutboxMessage
from tasks.coupons import lapse, make_codes
from tests import make

D = Decimal
MONDAY = {"day": 1, "from": "10:00", "until": "12:00"}


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def save(session: Session, **fields: Any) -> Coupon:
    values = {"name": "Summer", "code": "SUMMER", "kind": "percent", "value": D(10)}
    return coupon_keeping.save(session, **values | fields)


def codes(session: Session, coupon: Coupon) -> list[tuple[str, bool]]:
    own = select(CouponCode).where(CouponCode.coupon_id == coupon.id).order_by(CouponCode.id)
    return [(one.code, one.is_active) for one in session.scalars(own)]


WRONG: list[tuple[dict[str, Any], type[DomainError], str]] = [
    ({"value": D(110)}, TooMuchPercent, "value"),
    ({"value": D(0)}, TooMuchPercent, "value"),
    ({"value": D(-5)}, TooMuchPercent, "value"),
    ({"value": D("NaN")}, TooMuchPercent, "value"),
    ({"kind": "free_item", "value": D(101), "get_quantity": 1}, TooMuchPercent, "value"),
    ({"kind": "free_item"}, HowMany, "get_quantity"),
    ({"kind": "buy_get", "get_quantity": 1}, HowMany, "buy_quantity"),
    ({"code": None}, NoCode, "code"),
    ({"code": "  "}, NotACode, "code"),
    ({"code": "x" * 10_000}, NotACode, "code"),
    ({"code": "A\x00B"}, NotACode, "code"),
    ({"code": "SCHÖN"}, NotACode, "code"),
    ({"windows": [MONDAY, MONDAY | {"from": "11:59"}]}, WindowsOverlap, "windows"),
    ({"windows": [MONDAY | {"from": "12:00"}]}, BadWindow, "windows"),
    ({"windows": [MONDAY] * 51}, BadWindow, "windows"),
]


@pytest.mark.parametrize(("fields", "no", "field"), WRONG)
def test_what_cannot_be_is_refused_at_its_field(
    shop: int, fields: dict[str, Any], no: type[DomainError], field: str
) -> None:
    with begin() as session, pytest.raises(no) as caught, session.begin_nested():
        save(session, **fields)
    assert (caught.value.field, len(str(caught.value)) < 200) == (field, True)
    with begin() as session:
        assert session.scalar(select(func.count()).select_from(Coupon)) == 0


def test_a_coupon_is_known_by_its_last_code_and_keeps_the_old_ones(shop: int) -> None:
    with begin() as session:
        coupon = save(session, code=" sum mer ")
        save(session, coupon_id=coupon.id, code="summer")
        assert codes(session, coupon) == [("SUMMER", True)]
        save(session, coupon_id=coupon.id, code="autumn")
        assert codes(session, coupon) == [("SUMMER", False), ("AUTUMN", True)]
        save(session, coupon_id=coupon.id, code="summer")
        assert codes(session, coupon) == [("SUMMER", True), ("AUTUMN", False)]
        save(session, coupon_id=coupon.id, code=None, needs_code=False)
        assert codes(session, coupon) == [("SUMMER", False), ("AUTUMN", False)]
    with pytest.raises(CodeTaken), begin() as session:
        save(session, name="Other", code="autumn")


def test_hours_stand_in_their_order_and_may_touch(shop: int) -> None:
    later = MONDAY | {"from": "12:00", "until": "24:00"}
    with begin() as session:
        coupon = save(session, windows=[MONDAY | {"day": 7}, later, MONDAY])
        assert coupon.windows == [MONDAY, later, MONDAY | {"day": 7}]
        assert save(session, coupon_id=coupon.id, windows=[]).windows is None


def test_things_come_and_go_with_the_form(shop: int) -> None:
    with begin() as session:
        cut, wax = make.service(session), make.variant(session)
        things = [("service", cut.id), ("variant", wax.id)]
        coupon = save(session, cheaper=things, bought=things[:1])
        assert sorted((t.part, str(t)) for t in coupon.targets) == sorted(
            [("cheaper", str(cut)), ("cheaper", str(wax)), ("bought", str(cut))]
        )
        kept = {t.id for t in coupon.targets if t.part == "cheaper" and t.service_id}
        save(session, coupon_id=coupon.id, cheaper=things[:1])
        assert {t.id for t in coupon.targets} == kept


def test_what_it_is_worth_stands_once_it_was_used(shop: int) -> None:
    with begin() as session:
        coupon = save(session, max_redemptions=5)
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)
        for _ in range(2):
            orders.save_draft(session, lines=[line], asked=Asked(codes=("summer",)))
        session.refresh(coupon)
        with pytest.raises(WorthStands):
            save(session, coupon_id=coupon.id, value=D(20))
        with pytest.raises(UsedMore):
            save(session, coupon_id=coupon.id, max_redemptions=1)
        named = save(session, coupon_id=coupon.id, name="Late summer", max_redemptions=2)
        assert (named.name, named.held) == ("Late summer", 2)


def test_codes_are_made_little_by_little_and_nobody_guesses_one(shop: int) -> None:
    with begin() as session:
        coupon = save(session)
        batch = code_making.ask_for(session, coupon.id, wanted="2500", prefix="vip-")
        task = session.scalars(select(OutboxMessage.task).order_by(OutboxMessage.id.desc())).first()
        assert (task, batch.made) == ("tasks.coupons.make_codes", 0)
        left = [code_making.make(session, batch_id=batch.id) for _ in range(2)]
        assert left == [1500, 500]
        batch_id = batch.id
    make_codes.apply(kwargs={"batch_id": batch_id, "vendor_id": shop}).get()
    make_codes.apply(kwargs={"batch_id": batch_id, "vendor_id": shop}).get()
    with begin() as session:
        made = session.scalars(select(CouponCode.code).where(CouponCode.batch_id == batch_id)).all()
        assert (len(made), session.get_one(CodeBatch, batch_id).made) == (2500, 2500)
        assert all(code.startswith("VIP-") and len(code) == 14 for code in made)
        assert len({code[4:7] for code in made}) > 2000  # the first letters differ already
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)
        asked = Asked(codes=(made[7].lower(),))
        orders.place(session, order_id=orders.save_draft(session, lines=[line], asked=asked).id)
        with pytest.raises(DomainError):
            orders.save_draft(session, lines=[line], asked=asked)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"wanted": 0}, "wanted"),
        ({"wanted": "1000001"}, "wanted"),
        ({"wanted": "many"}, "wanted"),
        ({"wanted": "٣"}, "wanted"),
        ({"wanted": "9" * 10_000}, "wanted"),
        ({"wanted": 5, "prefix": "a b\x00"}, "prefix"),
        ({"wanted": 5, "prefix": "x" * 21}, "prefix"),
    ],
)
def test_so_many_codes_cannot_be_made(shop: int, fields: dict[str, Any], field: str) -> None:
    with begin() as session:
        coupon = save(session)
        with pytest.raises(DomainError) as caught:
            code_making.ask_for(session, coupon.id, **fields)
        assert caught.value.field == field
        assert session.scalar(select(func.count()).select_from(CodeBatch)) == 0


def test_holds_lapse_by_the_clock_for_every_vendor(shop: int) -> None:
    with begin() as session:
        coupon = save(session)
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)
        orders.save_draft(session, lines=[line], asked=Asked(codes=("summer",)))
    with clock.stopped_at(make.NOON + coupons.HELD_FOR):
        lapse.apply(kwargs={"vendor_id": None}).get()
    with begin() as session:
        assert session.get_one(Coupon, coupon.id).held == 0


def test_a_merged_file_brings_its_uses_and_a_forgotten_one_leaves_no_address(shop: int) -> None:
    with begin() as session:
        save(session, max_per_customer=1)
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)
        ana = make.customer(session, email="ana@example.test")
        other = make.customer(session)
        asked = Asked(codes=("summer",))
        draft = orders.save_draft(session, lines=[line], customer_id=ana.id, asked=asked)
        orders.place(session, order_id=draft.id)
        merging.merge(session, survivor_id=other.id, merged_id=ana.id)
        with pytest.raises(DomainError) as caught, session.begin_nested():
            orders.save_draft(session, lines=[line], customer_id=other.id, asked=asked)
        assert "SUMMER" in str(caught.value)
        forgetting.forget(session, customer_id=other.id)
        one = session.scalars(select(CouponRedemption)).one()
        assert (one.email_key, one.phone_key, one.status) == (None, None, "redeemed")
        assert session.get_one(Order, one.order_id).status == "placed"
