"""Taxes: the rate of a place on a day, within prices or on top of them, frozen when it is sold."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import NotFound
from app.operations import orders, taxes
from app.operations.lines import DraftLine
from app.tenancy import SYSTEM, acting, vendor_actor
from models.orders import LineKind, Order
from models.taxes import TaxClass
from models.vendors import Vendor
from tests import make

LISBON = {"line1": "Rua do Sol 1", "city": "Lisboa", "country": "PT"}
FUNCHAL = {**LISBON, "city": "Funchal", "region": "Madeira"}


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor()
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def on_top(vendor_id: int) -> None:
    """The vendor's prices are without tax."""
    with acting(SYSTEM), begin() as session:
        session.execute(
            update(Vendor).where(Vendor.id == vendor_id).values(prices_include_tax=False)
        )


def standard(session: Session, percent: int = 23, **fields: Any) -> TaxClass:
    """A default class with a rate in Portugal."""
    kept = make.tax_class(session, name="Standard", is_default=True)
    make.tax_rate(session, tax_class=kept, percent=Decimal(percent), **fields)
    return kept


def sold(session: Session, price: str = "12.30", quantity: int = 1, **fields: Any) -> Order:
    item = make.variant(session, price=Decimal(price))
    lines = [DraftLine(LineKind.PRODUCT, item.id, quantity)]
    order = orders.save_draft(session, lines=lines, **fields)
    return orders.place(session, order_id=order.id)


def test_tax_is_within_the_price_or_on_top_of_it(shop: int) -> None:
    with begin() as session:
        standard(session)
        order = sold(session)
        assert (order.total, order.tax) == (Decimal("12.30"), Decimal("2.30"))
        line = order.lines[0]
        assert (line.tax_name, line.tax_percent, line.tax) == ("IVA", 23, Decimal("2.30"))
    on_top(shop)
    with begin() as session:
        order = sold(session)
        assert (order.total, order.tax, order.includes_tax) == (
            Decimal("15.13"), Decimal("2.83"), False,
        )  # fmt: skip
        assert order.lines[0].total == Decimal("12.30")


@pytest.mark.parametrize(
    ("amount", "percent", "included", "tax"),
    [
        ("10.00", "0", True, "0.00"),
        ("0.05", "10", False, "0.00"),  # 0.005: to the even cent
        ("0.15", "10", False, "0.02"),  # 0.015: to the even cent
        ("123.00", "23", True, "23.00"),
        ("9999999999.99", "100", True, "5000000000.00"),
        ("9.99", "6.125", True, "0.58"),
    ],
)
def test_tax_is_rounded_half_even_once(amount: str, percent: str, included: bool, tax: str) -> None:
    assert taxes.tax_of(Decimal(amount), Decimal(percent), included=included) == Decimal(tax)


def test_a_rate_holds_from_its_day_until_the_next_one(shop: int) -> None:
    with begin() as session:
        kept = standard(session, percent=21, starts_on=date(2020, 1, 1))
        make.tax_rate(session, tax_class=kept, percent=Decimal(25), starts_on=date(2026, 11, 21))
    percents = []
    for moment in ("2026-11-20T23:59", "2026-11-21T00:00"):  # the vendor's midnight
        with clock.stopped_at(datetime.fromisoformat(moment + "+00:00")), begin() as session:
            percents.append(sold(session).lines[0].tax_percent)
    assert percents == [21, 25]


def test_a_draft_is_taxed_anew_when_it_is_placed(shop: int) -> None:
    with begin() as session:
        kept = standard(session)
        make.tax_rate(session, tax_class=kept, percent=Decimal(6), starts_on=date(2026, 11, 21))
        line = DraftLine(LineKind.FEE, unit_price=Decimal("10.60"))
        order = orders.save_draft(session, lines=[line])
        assert order.lines[0].tax_percent == 23
        with clock.stopped_at(datetime.fromisoformat("2026-11-21T12:00+00:00")):
            orders.place(session, order_id=order.id)
        assert (order.lines[0].tax_percent, order.tax) == (6, Decimal("0.60"))
        kept.rates.clear()
        session.flush()
        orders.complete(session, order_id=order.id)
        assert order.lines[0].tax == Decimal("0.60")  # what was sold stays as it was


def test_a_region_goes_before_its_country(shop: int) -> None:
    with begin() as session:
        kept = standard(session)
        make.tax_rate(session, tax_class=kept, percent=Decimal(22), region="madeira",
                      starts_on=date(2019, 1, 1))  # fmt: skip
        make.tax_rate(session, tax_class=kept, percent=Decimal(20), country="FR")
        line = DraftLine(LineKind.PRODUCT, make.variant(session).id)

        def percent(to: dict[str, str] | None, handing: str = "delivery") -> Decimal | None:
            order = orders.save_draft(session, lines=[line], handing=handing, ship_to=to)
            return order.lines[0].tax_percent

        assert percent(FUNCHAL) == 22
        assert percent(LISBON) == 23
        assert percent({**LISBON, "country": "fr"}) == 20
        assert percent(FUNCHAL, handing="pickup") == 23  # it is collected at the vendor's


def test_each_item_is_taxed_as_its_own_class_says(shop: int) -> None:
    with begin() as session:
        standard(session)
        food = make.tax_class(session, name="Food")
        make.tax_rate(session, tax_class=food, percent=Decimal(6))
        method = make.shipping_method(session, tax_class_id=food.id)
        kinds = {
            LineKind.PRODUCT: make.variant(session, tax_class_id=food.id).id,
            LineKind.SERVICE: make.service(session, tax_class_id=food.id).id,
            LineKind.PACKAGE: make.package(session, tax_class_id=food.id).id,
            LineKind.MEMBERSHIP: make.plan(session, tax_class_id=food.id).id,
        }
        order = orders.save_draft(
            session,
            lines=[
                *(DraftLine(kind, item) for kind, item in kinds.items()),
                DraftLine(LineKind.PRODUCT, make.variant(session).id),
                DraftLine(LineKind.FEE, unit_price=Decimal(5)),
                DraftLine(LineKind.TIP, unit_price=Decimal(5)),
            ],
            handing="delivery",
            shipping_method_id=method.id,
            ship_to=LISBON,
        )
        assert [(line.kind, line.tax_percent) for line in order.lines] == [
            ("product", 6), ("service", 6), ("package", 6), ("membership", 6), ("product", 23),
            ("fee", 23), ("tip", None), ("shipping", 6),
        ]  # fmt: skip
        assert order.tax == sum(line.tax for line in order.lines)


def test_a_place_without_a_rate_is_refused_and_nothing_is_changed(shop: int) -> None:
    with begin() as session:
        standard(session)
        order_id = sold(session, handing="delivery", ship_to=LISBON).id
        item = make.variant(session).id
    abroad = {**LISBON, "country": "JP"}
    with pytest.raises(taxes.NoRate) as caught, begin() as session:
        orders.save_draft(
            session, lines=[DraftLine(LineKind.PRODUCT, item)], handing="delivery", ship_to=abroad
        )
    assert caught.value.field == "ship_to"
    assert "Standard in JP on 20 November 2026" in str(caught.value)
    with begin() as session:
        assert session.get_one(Order, order_id).number == 1
        assert session.query(Order).count() == 1


def test_who_keeps_no_taxes_sells_without(shop: int) -> None:
    with begin() as session:
        line = sold(session).lines[0]
        assert (line.tax_name, line.tax_percent, line.tax) == (None, None, 0)
        make.tax_class(session, name="Not the default")
        assert sold(session).tax == 0


def test_there_is_one_default_class(shop: int) -> None:
    with begin() as session:
        first, second = standard(session), make.tax_class(session)
        taxes.make_default(session, tax_class_id=second.id)
        session.refresh(first)
        assert (first.is_default, second.is_default) == (False, True)
        taxes.make_default(session, tax_class_id=second.id)
        assert second.is_default
    with acting(vendor_actor(make.new_vendor())), pytest.raises(NotFound), begin() as session:
        taxes.make_default(session, tax_class_id=second.id)


def test_rates_that_cannot_be_are_sentences(shop: int) -> None:
    with begin() as session:
        kept = standard(session)
    with pytest.raises(taxes.RateThere), begin() as session:
        make.tax_rate(session, tax_class=kept)
    with pytest.raises(taxes.ClassTaken), begin() as session:
        make.tax_class(session, name="STANDARD")
    with pytest.raises(taxes.NoSuchPlace), begin() as session:
        make.tax_rate(session, tax_class=kept, country="Por")
