"""Customers are taken in with little, changed with care, and forgotten for good."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from app.database import begin
from app.errors import ChangedMeanwhile, DomainError, NotFound
from app.operations import customers, forgetting, likeness, matching, merging, reaching
from app.operations.matching import Filters
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.audit import AuditEntry
from models.bookings import Booking
from models.customers import Address, Consent, Customer
from models.imports import ImportRow
from models.invoices import Invoice
from models.orders import Order, OrderLine
from models.payments import CreditEntry, Refund
from models.tasks import Task
from tests import make


@pytest.fixture
def vendor(db: Connection) -> int:
    return make.new_vendor(country="DE", time_zone="Europe/Berlin")


def registered(vendor: int, **values: Any) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return customers.register(session, **values).id


@pytest.mark.parametrize(
    "values",
    [{}, {"full_name": "  "}, {"full_name": "\u200b\0"}, {"note": "tall"},
     {"phone_2": "030 1234567"}],
)  # fmt: skip
def test_nobody_is_no_customer(vendor: int, values: dict[str, Any]) -> None:
    with pytest.raises(customers.NoIdentity):
        registered(vendor, **values)


HOSTILE = [
    ("email", "ann@"), ("email", "x" * 5_000), ("phone", "12"), ("phone", "call me"),
    ("birthday", "1990-02-30"), ("birthday", "3000-01-01"), ("birthday", "0001-01-01"),
    ("full_name", "x" * 201), ("note", "x" * 60_000), ("time_zone", "Moon/Base"),
    ("locale", "../etc"), ("channel", "carrier pigeon"), ("vendor_id", "7"), ("status", "gone"),
    ("search_text", "x"), ("id", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_what_cannot_be_read_is_refused_at_its_field(vendor: int, name: str, value: str) -> None:
    values: dict[str, Any] = {"full_name": "Ann", "vendor_id": vendor, name: value}
    if name == "vendor_id":
        values[name] = 2**40
    with acting(admin_actor()), begin() as session:
        with pytest.raises(DomainError) as refusal:
            customers.register(session, **values)
        assert refusal.value.field == name
        assert str(refusal.value).endswith(".")


def test_a_phone_alone_is_enough_and_read_as_at_home(vendor: int) -> None:
    number = registered(vendor, phone="0151 2345 6789", full_name=" Änne \t Groß\0 ")
    with acting(vendor_actor(vendor)), begin() as session:
        customer = session.get_one(Customer, number)
        assert (customer.phone, customer.full_name) == ("+4915123456789", "Änne Groß")
        found = matching.page(session, Filters(search="0151-23456789 ANNE")).rows
    assert [c.id for c in found] == [number]


def test_a_change_on_a_file_that_others_changed_is_refused(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    with acting(vendor_actor(vendor)):
        with begin() as session:
            seen = session.get_one(Customer, number).updated_at
            stale = seen - timedelta(seconds=1)
        with begin() as session, pytest.raises(ChangedMeanwhile):
            customers.change(session, customer_id=number, seen=stale, note="mine")
        with begin() as session:
            changed = customers.change(session, customer_id=number, seen=seen, note="mine")
            assert (changed.note, changed.full_name) == ("mine", "Ann")


def test_a_change_cannot_take_the_last_name(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    with acting(vendor_actor(vendor)), begin() as session, pytest.raises(customers.NoIdentity):
        customers.change(session, customer_id=number, full_name="", email=None)


def test_nobody_reaches_another_vendors_customer(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    other = make.new_vendor()
    verbs: list[Any] = [
        lambda s: customers.change(s, customer_id=number, note="x"),
        lambda s: customers.archive(s, customer_id=number),
        lambda s: customers.set_status(s, customer_id=number, status="inactive"),
        lambda s: forgetting.forget(s, customer_id=number),
        lambda s: reaching.add_address(s, customer_id=number, city="Bonn"),
        lambda s: reaching.consent(s, customer_id=number, channel="sms", purpose="marketing",
                                   granted=True, source="form"),
        lambda s: reaching.prefer(s, customer_id=number),
        lambda s: customers.survivor_of(s, number),
    ]  # fmt: skip
    for verb in verbs:
        with acting(vendor_actor(other)), begin() as session, pytest.raises(NotFound):
            verb(session)


def test_archived_customers_leave_the_lists_and_come_back(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    with acting(vendor_actor(vendor)):
        with begin() as session:
            customers.archive(session, customer_id=number)
            assert matching.page(session, Filters()).rows == []
            with pytest.raises(customers.IsGone):
                customers.change(session, customer_id=number, note="x")
        with begin() as session:
            customers.restore(session, customer_id=number)
            assert [c.id for c in matching.page(session, Filters()).rows] == [number]
            with pytest.raises(DomainError):
                customers.restore(session, customer_id=number)


def test_likely_duplicates_say_why(vendor: int) -> None:
    ann = registered(vendor, full_name="Ann Marie Groß", email="ann@example.com",
                     phone="030 12345678", birthday="1990-05-01")  # fmt: skip
    other = make.new_vendor(country="DE")
    registered(other, full_name="Ann Marie Groß", email="ann@example.com")

    def likely(**typed: Any) -> list[tuple[int, tuple[str, ...]]]:
        with acting(vendor_actor(vendor)), begin() as session:
            found = likeness.likely_duplicates(session, **typed)
            assert [one.score for one in found] == sorted((o.score for o in found), reverse=True)
            return [(one.customer.id, one.reasons) for one in found]

    birthday = customers._birthday("1990-05-01")
    assert likely(email="mailto:ANN@example.com") == [(ann, ("same e-mail",))]
    assert likely(phone="+49 30 1234 5678") == [(ann, ("same phone",))]
    assert likely(full_name="gross marie ann", birthday=birthday) == [
        (ann, ("same name and birthday", "similar name"))
    ]
    assert likely(full_name="ann gr") == [(ann, ("similar name",))]
    assert likely(full_name="ann") == []
    for typed in ("\0", "x" * 50_000, "'|&!:*", "\ud800"):
        assert likely(full_name=typed, email=typed, phone=typed) == []
    assert likely(email="ann@example.com", except_id=ann) == []


def test_the_latest_consent_is_in_force(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    way = {"customer_id": number, "channel": "email", "purpose": "marketing", "source": "counter"}
    with acting(vendor_actor(vendor)), begin() as session:
        reaching.consent(session, granted=True, **way)
        reaching.withdraw(session, **way)
        held = reaching.in_force(session, customer_id=number)
        assert [(key, row.granted) for key, row in held.items()] == [
            (("email", "marketing"), False)
        ]
        assert session.scalar(select(func.count()).select_from(Consent)) == 2
        with pytest.raises(DomainError):
            reaching.consent(session, granted=True, **way | {"channel": "smoke"})


def test_preferences_and_categories_are_replaced(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    with acting(SYSTEM), begin() as session:
        some = [make.category(session).id for _ in range(3)]
    with acting(vendor_actor(vendor)), begin() as session:
        reaching.prefer(session, customer_id=number, channel="sms")
        row = reaching.prefer(session, customer_id=number, channel="email")
        assert row.channel == "email"
        reaching.prefer_categories(session, customer_id=number, category_ids=some[:2])
        kept = reaching.prefer_categories(session, customer_id=number, category_ids=some[1:])
        assert kept == some[1:]
        with pytest.raises(DomainError):
            reaching.prefer_categories(session, customer_id=number, category_ids=[2**62])


def test_addresses_are_added_corrected_and_struck_out(vendor: int) -> None:
    number = registered(vendor, full_name="Ann")
    with acting(vendor_actor(vendor)), begin() as session:
        row = reaching.add_address(session, customer_id=number, city="Köln", country="de")
        assert (row.country, row.city_key) == ("DE", "koln")
        reaching.change_address(session, address_id=row.id, city="Bonn")
        assert row.city_key == "bonn"
        for bad in ({"country": "Germany"}, {"planet": "Mars"}, {"city": "x" * 201}):
            with pytest.raises(DomainError):
                reaching.change_address(session, address_id=row.id, **bad)
        with pytest.raises(DomainError):
            reaching.add_address(session, customer_id=number, label="home", city=" ")
        reaching.remove_address(session, address_id=row.id)
        assert session.scalars(select(Address)).all() == []


SALES = (
    "orders", "order_lines", "payments", "refunds", "credit_entries", "shipments",
    "product_returns", "return_lines", "covers", "warranty_claims",
)  # fmt: skip


@pytest.mark.parametrize("who", ["vendor", "admin"])
def test_forgetting_reaches_the_words_beside_money_and_goods(vendor: int, who: str) -> None:
    said = "Quintessa said so"
    with acting(vendor_actor(vendor)), begin() as session:
        ann = make.customer(session, full_name="Quintessa Obermaier")
        ship_to = {"name": "Quintessa O.", "line1": "Quintessa street 1", "country": "DE",
                   "region": "Bayern"}  # fmt: skip
        order = make.order(session, customer=ann, ship_to=ship_to, lines=0)
        why = [{"step": "catalogue", "amount": "10.00", "why": "Price in the catalogue"},
               {"step": "discount", "amount": "1.00", "why": said},
               {"step": "order_discount", "amount": "1.00", "why": said}]  # fmt: skip
        line = make.order_line(session, order=order, unit_price=Decimal(10), price_steps=why)
        session.refresh(order, ["lines"])
        payment = make.payment(session, order=order, reference=said)
        make.refund(session, payment=payment, amount=Decimal(1), reason=said)
        make.credit_entry(session, customer=ann, reason=said)
        parcel = make.shipment(session, order=order, tracking=said)
        back = make.product_return(session, order=order, note=said, cancel_reason=said)
        back.lines[0].reason = said
        cover = make.cover(session, line=line, customer_id=ann.id)
        make.warranty_claim(session, cover=cover, problem=said, note=said)
        paper = make.invoice(session, order=order, content={"buyer": {"name": "Quintessa"}})
        anonymous = make.order(session, ship_to=ship_to)
        session.flush()
        parcel.failure = said
    with acting(vendor_actor(vendor) if who == "vendor" else admin_actor()), begin() as session:
        forgetting.forget(session, customer_id=ann.id)
    with acting(admin_actor()), begin() as session:
        for table in (*SALES, "audit_entries"):
            rows = session.connection().exec_driver_sql(
                f"SELECT t::text FROM {table} t WHERE NOT (to_jsonb(t) @> %(other)s)"
                " AND NOT (to_jsonb(t) @> %(trail)s)",
                {"other": f'{{"id": {anonymous.id}, "customer_id": null}}',
                 "trail": f'{{"row_id": {anonymous.id}, "table_name": "orders"}}'},
            ).scalars()  # fmt: skip
            assert not [row for row in rows if "quintessa" in row.lower()], table
        assert session.get_one(Order, order.id).ship_to == {"country": "DE", "region": "Bayern"}
        assert session.get_one(Order, anonymous.id).ship_to == ship_to
        steps = session.get_one(OrderLine, line.id).price_steps or []
        assert [one["why"] for one in steps] == ["Price in the catalogue", "Discount", "Discount"]
        assert session.get_one(Invoice, paper.id).content["buyer"]["name"] == "Quintessa"
        refund = session.scalars(select(Refund)).one()
        assert (refund.amount, refund.reason) == (1, forgetting.FORGOTTEN)
        assert session.scalars(select(CreditEntry.amount)).one() == 10


@pytest.mark.parametrize("who", ["vendor", "admin"])
def test_forgetting_leaves_figures_and_no_word_of_the_person(vendor: int, who: str) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        ann = make.customer(session, full_name="Quintessa Obermaier", email="quintessa@example.com",
                            phone="+493012345678", note="likes Quintessa tea")  # fmt: skip
        twin = make.customer(session, full_name="Quintessa O.")
        make.address(session, customer=ann, line1="Quintessa street 1")
        make.booking(session, customer=ann, note="for Quintessa", status="completed")
        make.task(session, customer=ann, title="Call Quintessa")
        make.consent(session, customer=ann)
        job = make.import_job(session, samples=[["Quintessa"]])
        make.import_row(session, job=job, customer_id=ann.id,
                        raw=["Quintessa"], before={"full_name": "Quintessa"})  # fmt: skip
        customers.change(session, customer_id=ann.id, note="Quintessa again")
    with acting(vendor_actor(vendor)), begin() as session:
        merging.merge(session, survivor_id=ann.id, merged_id=twin.id)
    with acting(vendor_actor(vendor) if who == "vendor" else admin_actor()), begin() as session:
        gone = forgetting.forget(session, customer_id=ann.id)
        assert gone.name == "Forgotten customer"
        with pytest.raises(customers.IsForgotten):
            forgetting.forget(session, customer_id=ann.id)
    with acting(admin_actor()), begin() as session:
        for table in ("customers", "addresses", "bookings", "tasks", "import_rows", "consents",
                      "customer_merges", "audit_entries", "orders", "import_jobs"):  # fmt: skip
            rows = session.connection().exec_driver_sql(f"SELECT t::text FROM {table} t").scalars()
            assert not [row for row in rows if "quintessa" in row.lower()], table
        assert session.scalar(select(Booking.status).where(Booking.customer_id == ann.id)) == (
            "completed"
        )
        assert session.scalar(select(func.count()).where(Consent.customer_id == ann.id)) == 1
        assert session.scalar(select(ImportRow.raw)) is None
        assert session.scalar(select(Task.title)) == forgetting.FORGOTTEN
        trail = select(func.count()).where(AuditEntry.customer_id == ann.id)
        assert (session.scalar(trail) or 0) > 3
