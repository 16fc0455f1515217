"""Rows of the marketplace: vendors, people who sign in, persons, categories."""

from typing import Any

from sqlalchemy.orm import Session

from app.database import begin
from app.tenancy import SYSTEM, acting
from models.categories import Category
from models.customers import Person
from models.users import ApiToken, User, VendorUser
from models.vendors import Vendor
from tests.make.rows import number, saved


def vendor(session: Session, **fields: Any) -> Vendor:
    n = number()
    values = {
        "slug": f"vendor-{n}",
        "name": f"Vendor {n}",
        "kind": "salon",
        "country": "PT",
        "time_zone": "Europe/Lisbon",
        "city": "Lisboa",
    }
    return saved(session, Vendor(**values | fields))


def new_vendor(**fields: Any) -> int:
    """The id of a new vendor, made by the marketplace in a transaction of its own."""
    with acting(SYSTEM), begin() as session:
        return vendor(session, **fields).id


def user(session: Session, **fields: Any) -> User:
    n = number()
    return saved(session, User(**{"email": f"user{n}@example.com", "name": f"User {n}"} | fields))


def vendor_user(session: Session, *, user: User, role: str = "staff", **fields: Any) -> VendorUser:
    return saved(session, VendorUser(user_id=user.id, role=role, **fields))


def api_token(session: Session, **fields: Any) -> ApiToken:
    n = number()
    values = {"user_id": 1, "name": f"Till {n}", "prefix": "br_till", "token_hash": f"{n:064x}"}
    return saved(session, ApiToken(**values | fields))


def person(session: Session, **fields: Any) -> Person:
    n = number()
    values = {"full_name": f"Person {n}", "email": f"person{n}@example.com"}
    return saved(session, Person(**values | fields))


def category(session: Session, **fields: Any) -> Category:
    return saved(session, Category(**{"kind": "service", "name": f"Category {number()}"} | fields))
