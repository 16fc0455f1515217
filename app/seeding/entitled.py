"""Packages and memberships in customers' hands, with the ledger and the periods behind them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.operations import periods
from app.seeding import prepaid
from app.seeding.history import Shop
from app.seeding.rows import add_all, put
from models.memberships import Membership, MembershipPeriod, Period, PlanBenefit
from models.packages import PackageEntry, PackageHolding

Row = dict[str, Any]


def holdings(
    session: Session, shop: Shop, random: Random, known: list[Row], now: datetime, number: int
) -> int:
    """Packages and memberships: running, used up, expired, resting, not paid, ended.

    Orders sold them: how many there are then, with the `number` there were.
    """
    put(session, PlanBenefit, _benefits(shop))
    held: list[tuple[Row, list[Row]]] = []
    joined: list[tuple[Row, list[Row]]] = []
    for customer in known:
        base = {"vendor_id": shop.vendor_id, "customer_id": customer["id"]}
        if shop.packages and random.random() < 0.18:
            held.append(_package(shop, random, customer["created_at"], now, base))
        if shop.plans and random.random() < 0.12:
            joined.append(_membership(shop, random, customer["created_at"], now, base))
    number = prepaid.packages(session, shop, [row for row, _ in held], number)
    number = prepaid.periods(session, shop, joined, number)
    _write(session, PackageHolding, PackageEntry, "holding_id", held)
    _write(session, Membership, MembershipPeriod, "membership_id", joined)
    return number


def _benefits(shop: Shop) -> list[Row]:
    """The dearest plan includes a service; each takes something off."""
    plans = sorted(shop.plans, key=lambda plan: -plan["price"])
    rows = [
        {"vendor_id": shop.vendor_id, "plan_id": plan["id"], "kind": "discount",
         "reach": ("everything", "services")[n % 2], "percent": Decimal(15 - 5 * n),
         "uses": None, "service_id": None}
        for n, plan in enumerate(plans[:2])
    ]  # fmt: skip
    included = {"kind": "included", "reach": "services", "percent": None, "uses": 2}
    for plan in plans[:1]:
        rows.append({"vendor_id": shop.vendor_id, "plan_id": plan["id"], **included,
                     "service_id": shop.services[0]["id"]})  # fmt: skip
    return rows


def _write(
    session: Session, model: Any, part: Any, key: str, made: list[tuple[Row, list[Row]]]
) -> None:
    """Rows in the order they came, each with its parts."""
    made.sort(key=lambda one: one[0]["created_at"])
    ids = add_all(session, model, [row for row, _ in made])
    parts = [
        {**one, key: number} for number, (_, own) in zip(ids, made, strict=True) for one in own
    ]
    put(session, part, parts)


def _package(
    shop: Shop, random: Random, since: datetime, now: datetime, base: Row
) -> tuple[Row, list[Row]]:
    package = random.choice(shop.packages)
    bought = max(since, now - timedelta(days=random.randrange(400)))
    expires = bought + timedelta(days=package["valid_days"] or 3650)
    left = random.randrange(package["uses"] + 1)
    status = "used_up" if left == 0 else "active" if expires > now else "expired"
    row = {**base, "package_id": package["id"], "bought_at": bought, "expires_at": expires,
           "status": status, "channel": "walk_in", "paid": package["price"],
           "created_at": bought}  # fmt: skip
    return row, list(_entries(shop, package, left, (bought, min(expires, now)), status))


def _entries(
    shop: Shop, package: Row, left: int, span: tuple[datetime, datetime], status: str
) -> Iterator[Row]:
    """Granted, used one after the other, and what was left when it ran out."""
    own = {"vendor_id": package["vendor_id"], "service_id": None}
    (since, until), used = span, package["uses"] - left
    yield {**own, "kind": "grant", "uses": package["uses"], "at": since}
    for number in range(1, used + 1):
        day = (since + (until - since) * number / (used + 1)).astimezone(shop.zone)
        hour = shop.show.opens + number % (shop.show.closes - shop.show.opens)
        at = min(max(day.replace(hour=hour, minute=0), since), until)
        yield {**own, "kind": "use", "uses": 1, "service_id": package["service_id"], "at": at}
    if status == "expired":
        yield {**own, "kind": "expire", "uses": left, "at": until}


def _membership(
    shop: Shop, random: Random, since: datetime, now: datetime, base: Row
) -> tuple[Row, list[Row]]:
    """Its periods follow each other from the day it began; the last one is running, or is over."""
    plan, zone = random.choice(shop.plans), shop.show.time_zone
    started = max(since, now - timedelta(days=random.randrange(500)))
    status = random.choices(("active", "paused", "past_due", "ended"), (75, 6, 5, 14))[0]
    over = now
    if status == "ended":
        over = max(started + timedelta(days=1), now - timedelta(days=random.randrange(20, 200)))
    spans: list[tuple[datetime, datetime]] = []
    begins = started
    while not spans or begins < over:
        ends = periods.end(started, Period(plan.get("period", "month")), begins, zone)
        spans.append((begins, ends))
        begins = ends
    if status == "past_due" and len(spans) > 1:
        spans.pop()
    elif status == "past_due":
        status = "active"
    first, last = spans[-1]
    rests = status == "paused"
    row = {
        **base, "plan_id": plan["id"], "status": status, "channel": "walk_in",
        "started_at": started, "anchor_at": started, "period_starts_at": first,
        "period_ends_at": last, "created_at": started,
        "paused_at": max(first, now - timedelta(days=6)) if rests else None,
        "frozen_until": now + timedelta(days=8) if rests else None,
        "cancel_at_period_end": status == "active" and random.random() < 0.08,
        "ended_at": min(last, now) if status == "ended" else None,
    }  # fmt: skip
    parts = [
        {"vendor_id": shop.vendor_id, "number": number, "starts_at": starts, "ends_at": ends,
         "created_at": starts}
        for number, (starts, ends) in enumerate(spans, 1)
    ]  # fmt: skip
    return row, parts
