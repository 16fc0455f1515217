"""The addresses behind a figure: lists with their own filters, and other reports.

A mark ends at the list whose rows it counts. Days stand in the address as the vendor's days.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from reports.report import Filters, Period

PANEL = "/admin"
REPORTS = f"{PANEL}/reports"

Values = Sequence[object]


def bookings(
    at: Period,
    filters: Filters,
    *,
    status: Values = (),
    service: Values = (),
    staff: Values = (),
    kind: Values = (),
    category: Values | None = None,
    channel: Values | None = None,
    vendor: Values | None = None,
) -> str:
    """The bookings that begin on these days; what is not given is as the filters say.

    Times that are only held for somebody of the waitlist are among none, nor are those that were
    let go.
    """
    return records(
        "booking",
        day_from=[at.first], day_to=[at.last], held=["no"], status=status, service=service,
        staff=staff, kind=kind, **_whose(filters, category, channel, vendor),
    )  # fmt: skip


def orders(
    at: Period,
    filters: Filters,
    *,
    item: Values = (),
    category: Values | None = None,
    channel: Values | None = None,
    vendor: Values | None = None,
    sold: Values = (),
    coupon: Values = (),
    coupons: Values = (),
) -> str:
    """The orders handed over on these days.

    `sold`: with a line of such a kind (product, service, package, membership, fee, shipping, tip);
    `item`: with such a product (`product:12`), service, package or membership plan;
    `coupons`: with any coupon (`used`) or without one (`none`).
    """
    return records(
        "order",
        sold_from=[at.first], sold_to=[at.last], kind=sold, item=item, coupon=coupon,
        coupons=coupons, **_whose(filters, category, channel, vendor),
    )  # fmt: skip


def customers(filters: Filters, **wanted: Values) -> str | None:
    """The customers of a segment, a group, a cohort; channel and vendor as the filters say.

    Their list is of one vendor or of all: of several none tells.
    """
    if len(filters.vendors) > 1:
        return None
    whose = {"channel": filters.channels, "vendor": filters.vendors}
    return records("customer", **{**whose, **wanted})


def first_bought(filters: Filters, **wanted: Values) -> str | None:
    """The customers of a cohort or a group; channel and category are of the first purchase."""
    first: dict[str, Values] = {
        "channel": (), "first_channel": filters.channels, "first_category": filters.categories,
    }  # fmt: skip
    return customers(filters, **first, **wanted)


def report(slug: str, at: Period, filters: Filters, **wanted: Values) -> str:
    """Another report of the same days and filters."""
    days: dict[str, Values] = {"from": [at.first], "to": [at.last]}
    if at.slug:
        days = {"period": [at.slug]}
    asked = {**days, **_whose(filters, None, None, None), **wanted}
    return f"{REPORTS}/{slug}{_query(asked)}"


def only(category: int) -> str:
    """A category without what lies below it, as lists take it: that is what its own row counts."""
    return f"{category}-only"


def records(noun: str, /, **wanted: Values) -> str:
    """The list of a noun with these filters in its address; those without values are left out."""
    return f"{PANEL}/{noun}/list{_query(wanted)}"


def of_days(noun: str, event: str, at: Period, /, **wanted: Values) -> str:
    """Those to which this happened on these days."""
    return records(noun, **{f"{event}_from": [at.first], f"{event}_to": [at.last]}, **wanted)


def record(noun: str, number: int) -> str:
    """The page of one record."""
    return f"{PANEL}/{noun}/details/{number}"


def _whose(
    filters: Filters, category: Values | None, channel: Values | None, vendor: Values | None
) -> dict[str, Values]:
    return {
        "category": filters.categories if category is None else category,
        "channel": filters.channels if channel is None else channel,
        "vendor": filters.vendors if vendor is None else vendor,
    }


def _query(wanted: dict[str, Values]) -> str:
    pairs: Iterable[tuple[str, object]] = (
        (name, value) for name, values in wanted.items() for value in values
    )
    text = urlencode([(name, str(value)) for name, value in pairs])
    return f"?{text}" if text else ""
