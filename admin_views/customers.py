"""Customers on screen: the list, one customer's page, forms, merging, bulk changes."""

from admin_views.customer_list import CustomerList
from models.customers import Customer


class CustomerView(CustomerList, model=Customer):
    """Everyone a vendor knows; for the marketplace, everyone all vendors know."""

    name, name_plural, icon = "Customer", "Customers", "ti ti-users"
    category, menu_key, status_kind = "Customers", "u", "customer"
    can_delete = False


VIEWS = [CustomerView]
