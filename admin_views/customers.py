"""Customers on screen: the list, one customer's page, forms, merging, bulk changes."""

from admin_views.customer_bulk import CustomerBulk
from admin_views.customer_forms import CustomerForms
from admin_views.customer_list import CustomerList
from admin_views.customer_merge import CustomerMerging
from admin_views.customer_page import CustomerPage
from admin_views.customer_views import CustomerViews
from models.customers import Customer


class CustomerView(
    CustomerList,
    CustomerPage,
    CustomerForms,
    CustomerMerging,
    CustomerBulk,
    CustomerViews,
    model=Customer,
):
    """Everyone a vendor knows; for the marketplace, everyone all vendors know."""

    name, name_plural, icon = "Customer", "Customers", "ti ti-users"
    category, menu_key, status_kind = "Customers", "u", "customer"
    can_delete = False


VIEWS = [CustomerView]
