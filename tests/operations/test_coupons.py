"""Coupons and offers: what holds when, what goes together, what an order's life does to them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.contact import mailbox
from app.database import begin
from app.errors import DomainError
from app.operations import (
    coupon_choice,
    coupon_codes,
    coupon_keeping,
    coupon_limits,
    coupon_terms,
    coupons,
    orders,
    payments,
    refunds,
    unnamed,
)
from app.operations.benefits import AS_AGREED, Asked
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, Actor, DatabaseRole, acting, vendor_actor
from models.coupons import Coupon, CouponCode, CouponRedemption
from models.orders import LineKind, Order
from models.payments import Tender
from tests import make

D = Decimal
SUMMER = Asked(codes=("summer",))


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor(time_zone="Europe/Lisbon")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def product(session: Session, price: str = "100.00", quantity: int = 1, **more: Any) -> DraftLine:
    variant = make.variant(session, price=D(price), **more)
    return DraftLine(LineKind.PRODUCT, variant.id, quantity)


def draft(session: Session, *lines: DraftLine, asked: Asked = SUMMER, **more: Any) -> Order:
    """A draft of these lines, or of one product of 100."""
    return orders.save_draft(session, lines=lines or [product(session)], asked=asked, **more)


def refused(session: Session, *lines: DraftLine, asked: Asked = SUMMER, **more: Any) -> DomainError:
    """Why such a draft is refused; nothing of it stays."""
    with pytest.raises(DomainError) as caught, session.begin_nested():
        draft(session, *lines, asked=asked, **more)
    return caught.value


def rows(session: Session) -> list[tuple[str, Decimal]]:
    found = session.scalars(select(CouponRedemption).order_by(CouponRedemption.id))
    return [(one.status, one.amount) for one in found]


def counted(session: Session, coupon: Coupon) -> tuple[int, int]:
    session.refresh(coupon)
    return coupon.redeemed, coupon.held


# --- codes ---------------------------------------------------------------------------------


def test_a_code_makes_an_order_cheaper_and_tells_why(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER", name="Summer", value=D("12.50"))
        order = draft(session, product(session, "19.99"), DraftLine(LineKind.TIP, None, 1, D(5)))
        line, tip = order.lines
        assert line.price_steps[-1] == {
            "step": "coupon", "amount": "2.50", "why": "Summer (SUMMER)", "source": coupon.id,
        }  # fmt: skip
        assert (line.total, tip.total, order.total) == (D("17.49"), D("5.00"), D("22.49"))
        assert rows(session) == [("held", D("2.50"))]
        assert coupons.asked(session, order) == Asked(codes=("SUMMER",))


@pytest.mark.parametrize("typed", [" sum mer ", "Summer", "ＳＵＭＭＥＲ", "summer\u00a0"])
def test_a_code_is_read_as_people_type_it(shop: int, typed: str) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER")
        assert draft(session, asked=Asked(codes=(typed, typed))).total == 90


@pytest.mark.parametrize(
    "typed", ["WINTER", "\x00", "A\x00B", "x" * 10_000, "%", "' OR 1=1 --", "—"]
)
def test_what_is_no_code_is_said_in_a_sentence(shop: int, typed: str) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER")
        no = refused(session, asked=Asked(codes=("SUMMER", typed)))
        assert isinstance(no, coupon_codes.NoSuchCode)
        assert (no.field, len(str(no)) < 200) == ("codes.1", True)
        assert "\x00" not in str(no)
        assert rows(session) == []


def test_another_vendors_code_is_no_code_here(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        make.coupon(session, code="SUMMER")
    with begin() as session:
        assert isinstance(refused(session), coupon_codes.NoSuchCode)
        make.coupon(session, code="SUMMER", value=D(50))
        assert draft(session).total == 50


def test_two_codes_of_one_offer_and_too_many_of_all_are_refused(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER")
        make.coupon_code(session, coupon=coupon, code="SOMMER")
        two = refused(session, asked=Asked(codes=("summer", "sommer")))
        assert isinstance(two, coupon_codes.SameOffer)
        many = refused(session, asked=Asked(codes=tuple(f"c{n}" for n in range(11))))
        assert isinstance(many, coupon_codes.TooManyCodes)


# --- when it holds -----------------------------------------------------------------------------

MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
HOURS = [{"day": 1, "from": "10:00", "until": "12:00"}]


def test_each_condition_says_no_in_a_sentence_of_its_own(shop: int) -> None:
    with begin() as session:
        vip = make.tag(session, name="vip")
        before = make.customer(session, full_name="Ana", birthday=date(1990, 6, 1))
        make.order(session, customer=before, status="completed")
        other = make.variant(session)
        wrong: list[tuple[dict[str, Any], type[DomainError], dict[str, Any]]] = [
            ({"is_active": False}, coupon_terms.Ended, {}),
            ({"ends_at": make.NOON}, coupon_terms.Ended, {}),
            ({"starts_at": make.NOON + timedelta(hours=1)}, coupon_terms.NotYet, {}),
            ({"channels": ["online"]}, coupon_terms.Elsewhere, {}),
            ({"windows": HOURS}, coupon_terms.OutOfHours, {}),
            ({"minimum_spend": D("100.01")}, coupon_terms.SpendMore, {}),
            ({"first_visit": True}, coupon_terms.NobodyKnown, {}),
            ({"max_per_customer": 1}, coupon_terms.NobodyKnown, {}),
            ({"first_visit": True}, coupon_terms.WasHere, {"customer_id": before.id}),
            ({"birthday_days": 7}, coupon_terms.NoBirthday, {"customer_id": before.id}),
            ({"tag_id": vip.id}, coupon_terms.NotTagged, {"customer_id": before.id}),
        ]
        for fields, no, order in wrong:
            coupon = make.coupon(session, code="SUMMER", **fields)
            caught = refused(session, **order)
            assert type(caught) is no, (fields, caught)
            assert (caught.field, str(caught).count(".") <= 3) == ("codes.0", True)
            session.delete(session.scalars(select(CouponCode)).one())
            session.flush()
            session.delete(coupon)
            session.flush()
        about = make.coupon(session, code="SUMMER")
        make.coupon_target(session, coupon=about, variant_id=other.id)
        assert isinstance(refused(session), coupon_terms.NotAbout)


def test_what_holds_holds(shop: int) -> None:
    with clock.stopped_at(MONDAY), begin() as session:
        vip = make.tag(session, name="vip")
        new = make.customer(session, birthday=date(1992, 2, 29))
        make.customer_tag(session, customer=new, tag=vip)
        coupon = make.coupon(
            session, code="SUMMER", windows=HOURS, channels=["walk_in"], first_visit=True,
            tag_id=vip.id, minimum_spend=D(100), starts_at=MONDAY, max_per_customer=1,
            ends_at=MONDAY + timedelta(minutes=1), max_redemptions=1,
        )  # fmt: skip
        assert draft(session, customer_id=new.id).total == 90
        assert counted(session, coupon) == (0, 1)


@pytest.mark.parametrize(
    ("born", "today", "around", "holds"),
    [
        (date(1992, 2, 29), date(2027, 2, 28), 0, True),
        (date(1992, 2, 29), date(2028, 2, 28), 0, False),
        (date(1992, 2, 29), date(2028, 2, 29), 0, True),
        (date(1990, 12, 31), date(2027, 1, 2), 2, True),
        (date(1990, 1, 1), date(2026, 12, 30), 2, True),
        (date(1990, 1, 1), date(2026, 12, 29), 2, False),
        (None, date(2026, 12, 29), 60, False),
    ],
)
def test_birthdays_come_every_year(
    born: date | None, today: date, around: int, holds: bool
) -> None:
    assert coupon_terms.is_birthday(born, today, around) is holds


def test_a_booking_counts_at_its_own_time_and_all_others_now(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER", windows=HOURS)
        customer = make.customer(session)
        happy = make.booking(session, customer=customer, starts_at=MONDAY, price=D(50))
        line = DraftLine(LineKind.SERVICE, booking_id=happy.id)
        order = draft(session, line, product(session), customer_id=customer.id)
        assert [one.discount for one in order.lines] == [D("5.00"), 0]


def test_a_first_visit_is_not_seen_in_the_booking_that_is_paid(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER", first_visit=True)
        ana = make.customer(session, email="ana.b+x@gmail.com")
        visit = make.booking(session, customer=ana, status="completed", price=D(50))
        line = DraftLine(LineKind.SERVICE, booking_id=visit.id)
        order = draft(session, line, customer_id=ana.id)
        assert order.total == 45
        twin = make.customer(session, email="ana.b+x@gmail.com")
        assert isinstance(refused(session, customer_id=twin.id), coupon_terms.WasHere)
        stranger = Asked(codes=("summer",), newcomer=True)
        assert draft(session, asked=stranger).total == 90


def test_categories_reach_down_and_products_reach_their_variants(shop: int) -> None:
    with acting(SYSTEM), begin() as session:
        top = make.category(session, kind="product")
        below = make.category(session, kind="product", parent_id=top.id)
    with begin() as session:
        care = make.product(session, category_id=below.id)
        shampoo = make.variant(session, product=care, price=D(20))
        other = make.variant(session, price=D(20))
        lines = [DraftLine(LineKind.PRODUCT, v.id) for v in (shampoo, other)]
        for field, number in (
            ("category_id", top.id), ("product_id", care.id), ("variant_id", shampoo.id),
        ):  # fmt: skip
            coupon = make.coupon(session, value=D(50))
            make.coupon_target(session, coupon=coupon, **{field: number})
            code = session.scalars(
                select(CouponCode.code).where(CouponCode.coupon_id == coupon.id)
            ).one()
            order = draft(session, *lines, asked=Asked(codes=(code,)))
            assert [line.discount for line in order.lines] == [10, 0], field


# --- what it takes off -----------------------------------------------------------------------


def test_pieces_are_free_the_cheapest_first(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code="GIFT", kind="free_item", value=D(100), get_quantity=2)
        make.coupon(
            session, code="THIRD", kind="buy_get", value=D(50), buy_quantity=2, get_quantity=1
        )
        lines = [product(session, "10.00", 1), product(session, "4.00", 3)]
        free = draft(session, *lines, asked=Asked(codes=("gift",)))
        assert [line.discount for line in free.lines] == [0, 8]
        third = draft(session, *lines, asked=Asked(codes=("third",)))
        assert [line.discount for line in third.lines] == [0, 2]
        too_few = refused(session, product(session, "9.00", 2), asked=Asked(codes=("third",)))
        assert isinstance(too_few, coupon_choice.NothingCheaper)


def test_one_thing_is_bought_and_another_becomes_cheaper(shop: int) -> None:
    with begin() as session:
        cut, wax = make.service(session, price=D(40)), make.variant(session, price=D(12))
        coupon = make.coupon(
            session, code="SUMMER", kind="buy_get", value=D(100), buy_quantity=1, get_quantity=1
        )
        make.coupon_target(session, coupon=coupon, part="bought", service_id=cut.id)
        make.coupon_target(session, coupon=coupon, part="cheaper", variant_id=wax.id)
        haircut = DraftLine(LineKind.SERVICE, cut.id)
        order = draft(session, haircut, DraftLine(LineKind.PRODUCT, wax.id, 3))
        assert [line.discount for line in order.lines] == [0, 12]
        missing = refused(session, haircut)
        assert isinstance(missing, coupon_terms.NotAbout)


def test_an_amount_never_takes_more_than_there_is(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER", kind="amount", value=D(500))
        order = draft(session, product(session, "30.00"), product(session, "12.34"))
        assert (order.total, order.lines[0].discount) == (0, 30)
        nothing_left = refused(session, DraftLine(LineKind.TIP, None, 1, D(5)))
        assert isinstance(nothing_left, coupon_choice.NothingCheaper)


# --- what goes together ------------------------------------------------------------------------


def test_offers_come_by_themselves_and_go_with_codes_as_they_say(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code=None, name="Always", value=D(10))
        assert draft(session, asked=Asked()).total == 90
        assert draft(session, asked=AS_AGREED).total == 100
        make.coupon(session, code="SUMMER", kind="amount", value=D(5))
        assert draft(session).total == 85
        make.coupon(session, code="BEST", value=D(20), stacking="best_of")
        make.coupon(session, code=None, name="Weak", value=D(15), stacking="best_of")
        assert draft(session, asked=Asked(codes=("best",))).total == D("72.00")
        assert draft(session, asked=Asked()).total == D("76.50")
        weaker = make.coupon(session, code="LESS", value=D(1), stacking="best_of")
        less = refused(session, asked=Asked(codes=("less",)))
        assert isinstance(less, coupon_choice.GivesLess)
        assert "Weak" in str(less)
        weaker.is_active = False
        make.coupon(session, code="ALONE", value=D(2), stacking="exclusive")
        assert draft(session, asked=Asked(codes=("alone",))).total == 98
        assert isinstance(
            refused(session, asked=Asked(codes=("summer", "alone"))), coupon_choice.GoesAlone
        )
        make.coupon(session, code=None, name="Half", value=D(50), stacking="exclusive")
        assert draft(session, asked=Asked()).total == 50
        beaten = refused(session)
        assert isinstance(beaten, coupon_choice.GivesLess)


# --- an order's life -----------------------------------------------------------------------------


def sold(session: Session, order: Order) -> Order:
    orders.place(session, order_id=order.id)
    payments.charge(session, order_id=order.id, tender=Tender.CASH, amount=order.total)
    return order


def test_it_is_held_redeemed_and_given_back_whole(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER", max_redemptions=1)
        order = draft(session)
        assert counted(session, coupon) == (0, 1)
        taken = refused(session)
        assert (type(taken), taken.field) == (coupon_limits.UsedUp, "codes.0")
        sold(session, order)
        assert counted(session, coupon) == (1, 0)
        refunds.give(session, order_id=order.id, amount=D("1.00"), reason="Late")
        assert counted(session, coupon) == (1, 0)
        refunds.give(session, order_id=order.id, reason="Broken")
        assert (counted(session, coupon), rows(session)) == ((0, 0), [("reversed", D("10.00"))])
        again = draft(session)
        orders.cancel(session, order_id=again.id)
        assert counted(session, coupon) == (0, 0)
        placed = draft(session)
        orders.place(session, order_id=placed.id)
        orders.cancel(session, order_id=placed.id)
        assert (counted(session, coupon), rows(session)[-1][0]) == ((0, 0), "reversed")


def test_a_draft_lets_go_of_what_it_does_not_ask_for_any_more(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER", max_redemptions=1)
        order = draft(session)
        line = DraftLine(LineKind.PRODUCT, order.lines[0].variant_id, id=order.lines[0].id)
        orders.save_draft(session, order_id=order.id, lines=[line], asked=SUMMER)
        assert counted(session, coupon) == (0, 1)
        orders.save_draft(session, order_id=order.id, lines=[line])
        assert (counted(session, coupon), order.total) == ((0, 0), 100)
        assert coupons.asked(session, order) == Asked()


def test_what_is_held_too_long_is_anybodys(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER", max_redemptions=1)
        first = draft(session)
        with clock.stopped_at(make.NOON + coupons.HELD_FOR):
            second = draft(session)
            assert counted(session, coupon) == (0, 1)
            sold(session, second)
            with pytest.raises(coupon_limits.UsedUp), session.begin_nested():
                orders.place(session, order_id=first.id)
            assert counted(session, coupon) == (1, 0)
            orders.cancel(session, order_id=second.id) if not second.paid else refunds.give(
                session, order_id=second.id, reason="Back"
            )
            orders.place(session, order_id=first.id)
            assert counted(session, coupon) == (1, 0)


def test_what_lapsed_is_swept_up_and_taken_again_with_the_sale(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER")
        order = draft(session)
        assert coupons.lapse_due(session) == 0
        with clock.stopped_at(make.NOON + coupons.HELD_FOR):
            assert coupons.lapse_due(session) == 1
            assert counted(session, coupon) == (0, 0)
            assert coupons.asked(session, order) == Asked(codes=("SUMMER",))
            orders.place(session, order_id=order.id)
        assert counted(session, coupon) == (1, 0)


def test_one_person_is_one_whatever_file_and_address_they_use(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER", max_per_customer=1)
        ana = make.customer(session, email="ana.b@gmail.com", phone="+351912345678")
        files = [
            ana,
            make.customer(session, email="anab+spa@gmail.com"),
            make.customer(session, phone_2="+351912345678"),
        ]
        sold(session, draft(session, customer_id=ana.id))
        for file in files:
            no = refused(session, customer_id=file.id)
            assert (type(no), no.field) == (coupon_limits.UsedBefore, "codes.0")
        other = make.customer(session, email="eva@gmail.com")
        assert draft(session, customer_id=other.id).total == 90


def test_a_sale_that_becomes_somebodys_takes_its_coupon_along(shop: int) -> None:
    with begin() as session:
        make.coupon(session, code="SUMMER")
        order = sold(session, draft(session))
        ana = make.customer(session, email="ana@example.test")
        unnamed.give_to(session, order_id=order.id, customer_id=ana.id)
        one = session.scalars(select(CouponRedemption)).one()
        assert (one.customer_id, one.email_key is None) == (ana.id, False)
        assert "ana" not in (one.email_key or "")


def test_a_code_good_for_one_order_is_good_for_one(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code=None, needs_code=True)
        for code in ("ONE-A", "ONE-B"):
            make.coupon_code(session, coupon=coupon, code=code, max_redemptions=1)
        sold(session, draft(session, asked=Asked(codes=("one-a",))))
        assert isinstance(refused(session, asked=Asked(codes=("one-a",))), coupon_limits.UsedUp)
        draft(session, asked=Asked(codes=("one-b",)))
        assert counted(session, coupon) == (1, 1)


def test_what_the_marketplace_bears_it_says_itself(shop: int) -> None:
    with begin() as session:
        coupon = make.coupon(session, code="SUMMER", value=D("12.50"))
        coupon_id = coupon.id
    mine: list[dict[str, Any]] = [{"coupon_id": coupon_id}, {"name": "Mine", "value": D(1)}]
    for fields in mine:
        with pytest.raises(coupon_keeping.NotYours), begin() as session:
            coupon_keeping.save(session, **fields, code="MINE", marketplace_percent=D(100))
    with acting(Actor(DatabaseRole.ADMIN, shop)), begin() as session:
        coupon_keeping.save(
            session, coupon_id=coupon_id, code="SUMMER", marketplace_percent=D("33.33")
        )
    with begin() as session:
        draft(session, product(session, "19.99"))
        one = session.scalars(select(CouponRedemption)).one()
        assert (one.amount, one.marketplace_amount) == (D("2.50"), D("0.83"))


@pytest.mark.parametrize(
    ("address", "box"),
    [
        ("a.n.a+b@gmail.com", "ana@gmail.com"),
        ("ana@googlemail.com", "ana@gmail.com"),
        ("ana+b@example.com", "ana@example.com"),
        ("a.n.a@example.com", "a.n.a@example.com"),
        ("+@example.com", "+@example.com"),
        ("...@gmail.com", "...@gmail.com"),
    ],
)
def test_a_mailbox_has_many_names(address: str, box: str) -> None:
    assert mailbox(address) == box
    assert mailbox(box) == box
