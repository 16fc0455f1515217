"""All reports, in the order of the overview: one line each, kept by hand."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from app.tenancy import PanelRole
from reports.report import Group, Report

MODULES: tuple[str, ...] = (
    "revenue", "product_sales", "top_items", "bookings", "waitlist", "places", "preferences",
    "repeat_customers", "cohorts", "rfm", "lifetime_value", "coupons", "loyalty", "memberships",
    "packages", "messages", "stock", "user_activity", "vendors", "engagement",
)  # fmt: skip
"""The modules of `reports/` that end in a `REPORT`; within a group they are shown in this order."""


@cache
def all_reports() -> Mapping[str, Report]:
    """Every report by its slug."""
    found = [import_module(f"reports.{name}").REPORT for name in MODULES]
    order = list(Group)
    found.sort(key=lambda report: order.index(report.group))
    return {report.slug: report for report in found}


def for_role(role: PanelRole) -> Mapping[str, Report]:
    """The reports that somebody of this role may open."""
    return {slug: report for slug, report in all_reports().items() if role in report.roles}
