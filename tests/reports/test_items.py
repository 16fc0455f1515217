"""What items brought comes to the same however it is read: by channels, or from whole months."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from models.figures import ItemFigures
from models.marketing_figures import AttachFigures
from models.words import Channel
from tests import make
from tests.reports.asked import ANALYST, ask, kept

FIRST, LAST = date(2024, 12, 16), date(2026, 11, 20)
SPANS = (
    ("2025-10-01", "2025-12-31"),  # a quarter
    ("2025-11-01", "2026-10-31"),  # months at both ends of quarters
    ("2024-12-17", "2026-10-09"),  # a year, and months and quarters at both ends
    ("2025-11-17", "2026-11-08"),  # weeks and days besides
    ("2026-02-01", "2026-02-28"),  # one month
    ("2026-02-02", "2026-02-27"),  # none
    ("2026-03-31", "2026-05-01"),  # a month between two days
)
EVERY = [channel.value for channel in Channel]


def two_vendors_days() -> None:
    """Something sold every fifth day, the channels and two items in turn."""
    vendors, day, rows, beside = (make.new_vendor(), make.new_vendor()), FIRST, [], []
    while day <= LAST:
        n = day.toordinal()
        rows.append(
            {
                "vendor_id": vendors[n % 2], "starts_on": day, "item_id": 1 + n % 5 % 2,
                "kind": ("product", "service")[n // 3 % 2], "channel": EVERY[n % len(EVERY)],
                "category_id": n % 4, "lines": 1, "quantity": n % 7 + 1,
                "net": Decimal(n % 97), "refunded": Decimal(n % 3), "cost": Decimal(n % 11),
            }
        )  # fmt: skip
        whose = {"vendor_id": vendors[n % 2], "starts_on": day, "channel": EVERY[n % len(EVERY)]}
        much = {"orders": n % 9 + 1, "with_product": n % 9}
        beside += [{**whose, "service_id": service, **much} for service in (0, 1 + n % 5 % 2)]
        day += timedelta(days=5)
    kept(ItemFigures, *rows)
    kept(AttachFigures, *beside)


def told(slug: str, table: str, **words: Any) -> list[tuple[Any, ...]]:
    answer = ask(slug, ANALYST, **words)
    names = ("vendor", "name", "item_id", "quantity", "revenue", "margin", "before")
    return answer.table(table, *names)


def test_all_channels_are_what_no_channel_is(db: Connection) -> None:
    two_vendors_days()
    for first, last in SPANS:
        words = {"from": first, "to": last}
        for slug, table in (
            ("product-sales", "product"), ("top-items", "service"), ("top-items", "product"),
        ):  # fmt: skip
            whole = told(slug, table, **words)
            assert whole
            assert whole == told(slug, table, channel=EVERY, **words), (slug, table, first)
        one, each = (
            ask("top-items", ANALYST, **words, **more) for more in ({}, {"channel": EVERY})
        )
        assert one.found.sums["attach"] == each.found.sums["attach"] is not None
        assert one.table("service", "name", "attach") == each.table("service", "name", "attach")
