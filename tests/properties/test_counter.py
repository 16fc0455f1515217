"""Whatever is sold over the counter: it costs what was quoted, money and shelves add up."""

from collections import Counter
from decimal import Decimal
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from app.database import begin
from app.operations import counter, credit, interests, payments, unnamed
from app.operations.counter import Buyer, Item, Off, Paid
from app.tenancy import SYSTEM, acting, vendor_actor
from models.orders import LineKind
from models.payments import Payment, Tender
from models.products import Variant
from models.vendors import Vendor
from tests import make
from tests.chance import examples

few = examples(12)
percents = st.decimals(min_value=0, max_value=100, places=2)
parts = st.integers(0, 10)
CENT = Decimal("0.01")


class Till:
    """A vendor with goods, services and somebody who has store credit."""

    def __init__(self, *, on_top: bool) -> None:
        self.vendor_id = make.new_vendor()
        with acting(SYSTEM), begin() as session:
            kept = update(Vendor).where(Vendor.id == self.vendor_id)
            session.execute(kept.values(prices_include_tax=not on_top))
        with acting(vendor_actor(self.vendor_id)), begin() as session:
            taxed = make.tax_class(session, is_default=True)
            make.tax_rate(session, tax_class=taxed, percent=Decimal("13.5"))
            prices = (Decimal("18.90"), Decimal("0.01"), Decimal("7.77"))
            goods = [make.variant(session, price=price) for price in prices]
            for one in goods:
                make.stock_move(session, variant=one, on_hand=100)
            self.goods = [one.id for one in goods]
            self.service = make.service(session, price=Decimal("45.55")).id
            self.who = make.customer(session).id
            credit.give(session, customer_id=self.who, amount=Decimal(10), reason="Sorry")

    def item(self, which: int, quantity: int, percent: Decimal) -> Item:
        off = Off(percent=percent, why="So") if percent else Off()
        kinds = [(LineKind.PRODUCT, number) for number in self.goods]
        kinds.append((LineKind.SERVICE, self.service))
        if which < len(kinds):
            return Item(*kinds[which], quantity, off=off)
        return Item(LineKind.TIP, None, quantity, amount=Decimal("1.11"))


@few
@given(
    asked=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), percents), min_size=1,
                   max_size=5),
    whole=percents, on_top=st.booleans(), known=st.booleans(), owing=st.booleans(),
    by_card=parts, by_credit=parts, more=st.integers(0, 5000),
)  # fmt: skip
def test_a_sale_adds_up(
    db: Connection, asked: list[tuple[int, int, Decimal]], whole: Decimal, on_top: bool,
    known: bool, owing: bool, by_card: int, by_credit: int, more: int,
) -> None:  # fmt: skip
    till = Till(on_top=on_top)
    lines = [till.item(*one) for one in asked]
    off = Off(percent=whole, why="So") if whole else None
    buyer = Buyer(till.who) if known else Buyer()
    with acting(vendor_actor(till.vendor_id)):
        with begin() as session:
            quoted = counter.quote(session, lines=lines, off=off, customer_id=buyer.customer_id)
            total, tax = quoted.total, quoted.tax
        card = (total * by_card / 10).quantize(CENT) if by_card else Decimal(0)
        rest = total - card
        spent = min(rest, Decimal(by_credit)) if known else Decimal(0)
        rest -= spent
        cash = rest + Decimal(more) / 100 if rest and not (known and owing) else Decimal(0)
        paid = [
            Paid(tender, amount)
            for tender, amount in (
                (Tender.CASH, cash), (Tender.CARD, card), (Tender.STORE_CREDIT, spent)
            )
            if amount
        ]  # fmt: skip
        key, sent = uuid4(), {"lines": lines, "off": off, "buyer": buyer, "paid": paid}
        with begin() as session:
            sale = counter.sell(session, request_key=key, owing=owing, **sent)
            order = sale.order
            assert (order.total, order.tax) == (total, tax)
            assert sale.due == (rest if known and owing else 0)
            assert sale.change == (cash - rest if cash else 0)
            assert order.paid == total - sale.due == sum(
                session.scalars(select(Payment.amount).where(Payment.order_id == order.id)), 0
            )  # fmt: skip
            assert payments.due(order) == sale.due
            assert order.fulfilment_status in ("delivered", "fulfilled")
        with begin() as session:
            again = counter.sell(session, request_key=key, owing=owing, **sent)
            assert (again.order.id, again.change, again.due) == (order.id, sale.change, sale.due)
        with begin() as session:
            if not known:
                unnamed.give_to(session, order_id=order.id, customer_id=till.who)
            assert interests.drift(session) == []
            gone = Counter[int]()
            for item in lines:
                if item.kind is LineKind.PRODUCT and item.item_id is not None:
                    gone[item.item_id] += item.quantity
            for number in till.goods:
                shelf = session.get_one(Variant, number)
                assert (shelf.on_hand, shelf.reserved) == (100 - gone[number], 0)
