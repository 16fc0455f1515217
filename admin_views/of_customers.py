"""What is kept about customers, beside their own page: lists that are searched by customer."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from admin_views.base import HouseView
from admin_views.filters import Related
from admin_views.loaders import Lookup, customer_ids
from admin_views.lookups import CUSTOMERS
from models.customers import Customer


def of_customers(session: Session, model: Any, ids: list[int]) -> ColumnElement[bool]:
    """The rows of these customers; each with its vendor, with which the indexes begin."""
    known = session.execute(select(Customer.vendor_id, Customer.id).where(Customer.id.in_(ids)))
    by_vendor: dict[int, list[int]] = {}
    for vendor_id, customer_id in known:
        by_vendor.setdefault(vendor_id, []).append(customer_id)
    parts = (
        and_(model.vendor_id == vendor_id, model.customer_id.in_(own))
        for vendor_id, own in by_vendor.items()
    )
    return or_(false(), *parts)


@dataclass(frozen=True)
class OfCustomer(Related):
    """Some customers, searched; `column` is the model whose rows are theirs."""

    icon: str = "user"
    lookup: Lookup = CUSTOMERS

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        return statement.where(of_customers(session, self.column, values))


def ids_of_customers(model: Any, ids: list[int]) -> Select[Any]:
    """The same by their own ids: each customer's are found by an index."""
    theirs = and_(model.vendor_id == Customer.vendor_id, model.customer_id == Customer.id)
    return select(model.id).join(Customer, theirs).where(Customer.id.in_(ids))


class OfCustomersView(HouseView):
    """A list of what is kept about customers: searched by customer, the vendor is theirs."""

    search_hint = "Search customer"

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        return rows.where(of_customers(session, self.model, customer_ids(session, term)))

    def form_fields(self, record: Any = None) -> dict[str, Any]:
        """The vendor is the customer's, and whose it is never changes."""
        gone = {"vendor"} if record is None else {"vendor", "customer"}
        return {n: f for n, f in super().form_fields(record).items() if n not in gone}

    def list_url(self, request: Request, customer_id: int) -> str:
        """The list of one customer's."""
        path = request.url_for("admin:list", identity=self.identity).path
        return f"{path}?customer={customer_id}"
