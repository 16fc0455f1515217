"""Stock SQLAdmin on the customers table: declared as its documentation does, nothing overridden.

Its filter by a foreign key takes the first reference it finds on the column, which with keys of
two columns is another table's: it cannot filter by vendor here.
"""

from typing import ClassVar

import httpx2
from sqladmin import Admin, ModelView
from sqladmin.filters import OperationColumnFilter, StaticValuesFilter
from sqlalchemy import create_engine
from starlette.applications import Starlette

from models.customers import Customer


class CustomerAdmin(ModelView, model=Customer):
    column_list: ClassVar = [
        Customer.full_name, Customer.phone, Customer.email, "vendor", Customer.status,
        Customer.last_activity_at, Customer.visit_count, Customer.total_spent,
    ]  # fmt: skip
    column_default_sort: ClassVar = [(Customer.last_activity_at, True)]
    column_searchable_list: ClassVar = [Customer.full_name, Customer.phone, Customer.email]
    column_filters: ClassVar = [
        StaticValuesFilter(Customer.status, [("active", "Active"), ("inactive", "Inactive")]),
        StaticValuesFilter(Customer.channel, [("online", "Online"), ("partner", "Partner")]),
        OperationColumnFilter(Customer.last_activity_at),
    ]
    page_size = 25
    page_size_options: ClassVar = [25]


def client(url: str) -> httpx2.AsyncClient:
    """A client of the panel in this process; every transaction acts as the marketplace."""
    engine = create_engine(url, connect_args={"options": "-c role=app_admin -c timezone=UTC"})
    app = Starlette()
    Admin(app, engine).add_view(CustomerAdmin)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1")


ADDRESSES = {
    "plain": "/admin/customer/list",
    "status": "/admin/customer/list?status=inactive",
    "channel": "/admin/customer/list?channel=partner",
    "search_name_frequent": "/admin/customer/list?search={frequent}",
    "search_name_rare": "/admin/customer/list?search={rare}",
    "search_phone": "/admin/customer/list?search={phone}",
    "search_email": "/admin/customer/list?search={email}",
    "page_400": "/admin/customer/list?page={page}",
}
