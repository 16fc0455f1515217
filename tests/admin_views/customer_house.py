"""The whole application with two vendors' customers, and a counter of statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, event

from app.database import begin
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import Customer
from tests import make
from tests.webclient import OWN, Browser, House

ALPHA = "alpha"
BETA = "beta"


@contextmanager
def at(house: House, slug: str = ALPHA) -> Iterator[Any]:
    """A transaction of a vendor."""
    with acting(vendor_actor(house.vendors[slug])), begin() as session:
        yield session


def customer(house: House, slug: str = ALPHA, **fields: Any) -> int:
    """The id of a new customer of a vendor."""
    with at(house, slug) as session:
        return int(make.customer(session, **fields).id)


def many(house: House, count: int, slug: str = ALPHA, **fields: Any) -> list[int]:
    """Customers whose last activity lies a day apart, the latest first."""
    with at(house, slug) as session:
        made = [
            make.customer(
                session,
                full_name=f"Person {n:03}",
                last_activity_at=make.NOON - timedelta(days=n),
                total_spent=Decimal(n),
                **fields,
            )
            for n in range(count)
        ]
        return [c.id for c in made]


def tagged(house: House, number: int, *names: str, slug: str = ALPHA) -> None:
    """Put tags on a customer."""
    with at(house, slug) as session:
        one = session.get(Customer, number)
        for name in names:
            make.customer_tag(session, customer=one, tag=make.tag(session, name=name))


def loaded(number: int) -> Customer:
    """A customer as the database has it."""
    with acting(admin_actor()), begin() as session:
        found = session.get(Customer, number)
        assert found is not None
        return found


def post(browser: Browser, path: str, **fields: Any) -> Any:
    """A form sent by one of our own pages."""
    return browser.post(path, data=fields, headers=OWN)


@contextmanager
def statements(db: Connection) -> Iterator[list[str]]:
    """Every statement that is sent inside the block."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
