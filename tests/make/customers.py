"""Customers and what is noted of them."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.customers import Address, Consent, Customer, CustomerPreference
from models.interests import CustomerInterest
from models.tags import CustomerTag, Tag
from models.tasks import Task
from models.usages import Usage
from tests.make.rows import NOON, home_of, number, of_vendor, saved


def customer(session: Session, **fields: Any) -> Customer:
    return saved(session, Customer(**{"full_name": f"Customer {number()}"} | fields))


def address(session: Session, *, customer: Customer | None = None, **fields: Any) -> Address:
    customer = customer or somebody(session, fields)
    values = {
        "line1": "Rua Garrett 1",
        "postal_code": "1200-203",
        "city": "Lisboa",
        "country": "PT",
    }
    return saved(session, Address(customer_id=customer.id, **values | of_vendor(fields, customer)))


def consent(session: Session, *, customer: Customer | None = None, **fields: Any) -> Consent:
    customer = customer or somebody(session, fields)
    values = {"channel": "email", "purpose": "marketing", "granted": True, "source": "counter"}
    return saved(session, Consent(customer_id=customer.id, **values | of_vendor(fields, customer)))


def preference(
    session: Session, *, customer: Customer | None = None, **fields: Any
) -> CustomerPreference:
    customer = customer or somebody(session, fields)
    values = {"channel": "email"} | of_vendor(fields, customer)
    return saved(session, CustomerPreference(customer_id=customer.id, **values))


def tag(session: Session, **fields: Any) -> Tag:
    return saved(session, Tag(**{"name": f"tag {number()}"} | fields))


def customer_tag(session: Session, *, customer: Customer, tag: Tag, **fields: Any) -> CustomerTag:
    row = CustomerTag(customer_id=customer.id, tag_id=tag.id, **of_vendor(fields, customer))
    return saved(session, row)


def interest(
    session: Session, *, customer: Customer | None = None, **fields: Any
) -> CustomerInterest:
    customer = customer or somebody(session, fields)
    values = {
        "kind": "appointment",
        "item_id": number(),
        "times": 1,
        "spent": Decimal("10.00"),
        "last_at": NOON,
    } | of_vendor(fields, customer)
    return saved(session, CustomerInterest(customer_id=customer.id, **values))


def task(session: Session, *, customer: Customer | None = None, **fields: Any) -> Task:
    customer = customer or somebody(session, fields)
    values = {"title": f"Task {number()}", "due_at": NOON} | of_vendor(fields, customer)
    return saved(session, Task(customer_id=customer.id, **values))


def usage(session: Session, *, customer: Customer | None = None, **fields: Any) -> Usage:
    customer = customer or somebody(session, fields)
    values = {
        "kind": "product", "item_id": number(), "times": 4, "first_on": date(2026, 8, 20),
        "last_on": date(2026, 11, 18), "interval_days": 30, "source": "personal",
        "next_on": date(2026, 12, 18),
    } | of_vendor(fields, customer)  # fmt: skip
    return saved(session, Usage(customer_id=customer.id, **values))


def somebody(session: Session, fields: dict[str, Any]) -> Customer:
    return customer(session, **home_of(fields))
