"""Whatever is ordered in whatever order: discounts and taxes add up, to the cent."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from app.database import begin
from app.errors import DomainError
from app.operations import orders, taxes
from app.operations.lines import DraftLine
from app.operations.orders import Discount
from app.operations.prices import shared
from app.tenancy import SYSTEM, acting, vendor_actor
from models.orders import LineKind, Order, OrderLine
from models.vendors import Vendor
from tests import make
from tests.chance import examples

cents = st.decimals(min_value=0, max_value=300, places=2)
percents = st.decimals(min_value=0, max_value=100, places=3)
few = examples(15)


def line(price: Decimal, quantity: int, number: int = 0) -> OrderLine:
    return OrderLine(
        kind=LineKind.PRODUCT, variant_id=number, unit_price=price, quantity=quantity,
        total=price * quantity, name="Something",
    )  # fmt: skip


@given(
    st.lists(st.tuples(cents, st.integers(1, 4)), min_size=1, max_size=8),
    st.fractions(0, 1),
    st.randoms(use_true_random=False),
)
@example([(Decimal("0.01"), 1)] * 3, Fraction(1), None)
def test_a_shared_discount_loses_no_cent_and_no_line_pays_for_another(
    goods: list[tuple[Decimal, int]], part: Fraction, random: Random | None
) -> None:
    lines = [line(price, quantity, n % 3) for n, (price, quantity) in enumerate(goods)]
    most = sum((one.total for one in lines), Decimal(0))
    if not most:
        return
    discount = (most * part.numerator / part.denominator).quantize(Decimal("0.01"))
    parts = shared(min(discount, most), lines)
    assert sum(parts) == min(discount, most)
    assert all(0 <= share <= one.total for share, one in zip(parts, lines, strict=True))
    mixed = list(range(len(lines)))
    if random is not None:
        random.shuffle(mixed)
    again = shared(min(discount, most), [lines[n] for n in mixed])
    known = [(one.variant_id, one.unit_price, one.quantity) for one in lines]
    assert sorted((known[n], again[at]) for at, n in enumerate(mixed)) == sorted(
        zip(known, parts, strict=True)
    )


@given(cents, percents, st.booleans())
def test_tax_is_never_more_than_a_half_cent_off(
    amount: Decimal, percent: Decimal, included: bool
) -> None:
    tax = taxes.tax_of(amount, percent, included=included)
    net = amount - tax if included else amount
    assert abs(net * percent / 100 - tax) <= Decimal("0.005") * (1 + percent / 100)
    assert 0 <= tax <= max(amount, tax if not included else amount)


@given(st.lists(cents, min_size=2, max_size=9), percents, st.booleans())
def test_dearer_is_never_taxed_less(
    amounts: list[Decimal], percent: Decimal, included: bool
) -> None:
    taxed = [taxes.tax_of(one, percent, included=included) for one in sorted(amounts)]
    assert all(less <= more for less, more in pairwise(taxed))


class Shop:
    """A vendor with three tax classes, and items of each."""

    def __init__(self) -> None:
        self.vendor_id = make.new_vendor()
        with acting(vendor_actor(self.vendor_id)), begin() as session:
            classes = [make.tax_class(session, is_default=n == 0) for n in range(3)]
            for kept, percent in zip(classes, ("23", "6", "13.125"), strict=True):
                make.tax_rate(session, tax_class=kept, percent=Decimal(percent))
            self.method = make.shipping_method(session, free_from=Decimal(200)).id
            self.items = [make.variant(session, tax_class_id=c.id).id for c in classes]
            self.services = [make.service(session, tax_class_id=c.id).id for c in classes]

    def lines(self, asked: list[tuple[int, int, Decimal, Decimal]]) -> list[DraftLine]:
        goods: list[tuple[LineKind, int | None]] = [(LineKind.PRODUCT, n) for n in self.items]
        goods += [(LineKind.SERVICE, n) for n in self.services]
        goods += [(LineKind.FEE, None), (LineKind.TIP, None)]
        return [
            DraftLine(*goods[which % len(goods)], quantity, price, min(off, price * quantity))
            for which, quantity, price, off in asked
        ]


asked_lines = st.lists(
    st.tuples(st.integers(0, 7), st.integers(1, 3), cents, cents), min_size=1, max_size=6
)


@few
@given(asked=asked_lines, off=cents, top=st.booleans(), data=st.data())
def test_an_order_adds_up_whatever_order_its_lines_stand_in(
    db: Connection, asked: list[tuple[int, int, Decimal, Decimal]], off: Decimal, top: bool,
    data: st.DataObject,
) -> None:  # fmt: skip
    shop = Shop()
    with acting(SYSTEM), begin() as session:
        kept = update(Vendor).where(Vendor.id == shop.vendor_id)
        session.execute(kept.values(prices_include_tax=not top))
    lines = shop.lines(asked)
    ways = {"handing": "delivery", "shipping_method_id": shop.method}
    with acting(vendor_actor(shop.vendor_id)):
        try:
            with begin() as session:
                order = orders.save_draft(session, lines=lines, discount=Discount(off), **ways)
        except DomainError:  # more off than the goods cost: the other way round as well
            assert off > sum(
                one.quantity * (one.unit_price or 0) - one.discount
                for one in lines
                if one.kind != LineKind.TIP
            )
            return
        with begin() as session:
            mixed = data.draw(st.permutations(lines))
            other = orders.save_draft(session, lines=mixed, discount=Discount(off), **ways)
    adds_up(order, lines, off)
    assert (order.total, order.tax) == (other.total, other.tax)
    assert sorted(_sold(order)) == sorted(_sold(other))


def _sold(order: Order) -> list[tuple[object, ...]]:
    return [
        (one.name, one.quantity, one.unit_price, one.discount, one.total, one.tax)
        for one in order.lines
    ]


def adds_up(order: Order, asked: list[DraftLine], off: Decimal) -> None:
    """Order and lines agree, and every price step leads to its line's total."""
    assert order.tax == sum(one.tax for one in order.lines)
    on_top = 0 if order.includes_tax else order.tax
    assert order.total == sum(one.total for one in order.lines) + on_top
    assert sum(one.discount for one in order.lines) == off + sum(one.discount for one in asked)
    for one in order.lines:
        assert one.total >= 0
        steps = {step["step"]: Decimal(step["amount"]) for step in one.price_steps or []}
        price = steps.get("typed", steps.get("catalogue", Decimal(0)))
        taken = steps.get("discount", Decimal(0)) + steps.get("order_discount", Decimal(0))
        assert price * one.quantity - taken == one.total
