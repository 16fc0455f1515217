"""Two believable years of one vendor: customers, orders, tasks."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.contact import fold, searchable
from app.seeding import offers, parcels, people, takings
from app.seeding.catalogue import VendorOnShow
from app.seeding.diary import Diary
from app.seeding.duties import REGIONS, Books
from app.seeding.rows import HISTORY, add_all, put
from models.coupons import CouponRedemption
from models.customers import Address, Consent, Customer
from models.orders import Order, OrderLine
from models.references import new_reference
from models.tags import CustomerTag
from models.tasks import Task

CHANNELS = ("online", "walk_in", "phone")


@dataclass
class Shop:
    """A vendor's rows that a history refers to."""

    vendor_id: int
    show: VendorOnShow
    staff: list[int]
    services: list[dict[str, Any]]
    variants: list[dict[str, Any]]
    packages: list[dict[str, Any]]
    plans: list[dict[str, Any]]
    tags: list[int]
    diary: Diary
    books: Books

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.show.time_zone)

    def at_work(self, random: Random, day: date, *, every: int = 1) -> datetime:
        """A moment of the vendor's working day, at a multiple of `every` minutes."""
        minute = random.randrange(self.show.opens * 60, self.show.closes * 60, every)
        local = datetime.combine(day, time(minute // 60, minute % 60), self.zone)
        return local.astimezone(UTC)


def customers(session: Session, shop: Shop, random: Random, now: datetime) -> list[dict[str, Any]]:
    """People of the vendor's country, one in eight without e-mail, one in twelve a bare walk-in."""
    country, numbers = shop.show.country, people.phones(random, shop.show.country)
    rows: list[dict[str, Any]] = []
    ages = sorted(random.random() ** 1.3 * HISTORY.days for _ in range(shop.show.customers))
    for index, age in enumerate(reversed(ages)):
        name = people.full_name(random, country)
        phone = next(numbers) if random.random() < 0.9 else None
        local = fold(name).replace(" ", ".").replace("'", "")
        email = f"{local}.{index}@example.com" if random.random() < 0.85 and local else None
        if random.random() < 1 / 12:
            name, email = None, None  # type: ignore[assignment]
            phone = phone or next(numbers)
        came = (now - timedelta(days=1 + age)).astimezone(shop.zone).date()
        since = shop.at_work(random, came)
        sort_name, search_text = searchable(name, None, email, phone, None)
        rows.append(
            {
                "vendor_id": shop.vendor_id, "full_name": name, "email": email, "phone": phone,
                "birthday": people.birthday(random, now.date()) if random.random() < 0.4 else None,
                "channel": random.choices(CHANNELS, (50, 35, 15))[0], "created_at": since,
                "status": random.choices(("active", "pending_follow_up"), (94, 6))[0],
                "last_activity_at": since, "sort_name": sort_name, "search_text": search_text,
            }
        )  # fmt: skip
    for row, key in zip(rows, add_all(session, Customer, rows), strict=True):
        row["id"] = key
    homes = [_address(shop, row, random) for row in rows[::2]]
    put(session, Address, homes)
    for row, home in zip(rows[::2], homes, strict=True):
        row["home"] = {name: home[name] for name in ("line1", "city", "postal_code", "country")}
    _tags_and_consents(session, shop, random, rows)
    return rows


def _address(shop: Shop, customer: dict[str, Any], random: Random) -> dict[str, Any]:
    country = shop.show.country
    city, postal_code = random.choice(people.PLACES[country])
    return {
        "vendor_id": shop.vendor_id, "customer_id": customer["id"], "country": country,
        "line1": f"{random.choice(people.STREETS[country])} {random.randrange(1, 240)}",
        "city": city, "city_key": fold(city), "postal_code": postal_code,
        "created_at": customer["created_at"],
    }  # fmt: skip


def _tags_and_consents(
    session: Session, shop: Shop, random: Random, rows: list[dict[str, Any]]
) -> None:
    tags, consents = [], []
    for row in rows:
        base = {"vendor_id": shop.vendor_id, "customer_id": row["id"]}
        some = random.sample(shop.tags, random.choices((0, 1, 2, 3), (50, 30, 15, 5))[0])
        tags += [{**base, "tag_id": tag, "created_at": row["created_at"]} for tag in some]
        if row["email"] and random.random() < 0.6:
            said = {"channel": "email", "purpose": "marketing", "source": "form"}
            granted = random.random() < 0.85
            consents.append({**base, **said, "granted": granted, "at": row["created_at"]})
    put(session, CustomerTag, tags)
    put(session, Consent, consents)


def visits(random: Random, since: datetime, until: datetime) -> list[datetime]:
    """When a customer comes: at a pace of their own, until they stop coming."""
    pace = random.choice((21, 30, 45, 45, 60, 90, 120, 180))
    stays = random.random() < 0.6
    moments: list[datetime] = []
    moment = since + timedelta(days=1 + random.random() * 5)
    while moment < until and len(moments) < 24:
        moments.append(moment)
        if not stays and random.random() < 0.25:
            break
        moment += timedelta(days=max(2, random.gauss(pace, pace / 4)))
    return moments


def orders(
    session: Session, shop: Shop, random: Random, known: list[dict[str, Any]], now: datetime
) -> int:
    """Sales over the counter and online, numbered in the order they were placed."""
    share = 0.9 if shop.show.kind == "store" else 0.4
    sales: list[tuple[datetime, dict[str, Any] | None]] = [
        (_in_hours(shop, random, moment, now), customer)
        for customer in known
        if random.random() < share
        for moment in visits(random, customer["created_at"], now)
    ]
    sales += [
        (_in_hours(shop, random, now - timedelta(days=random.random() * HISTORY.days), now), None)
        for _ in range(len(sales) // 9)
    ]
    sales.sort(key=lambda sale: sale[0])
    made = [
        _order(shop, random, number, customer, moment, now)
        for number, (moment, customer) in enumerate(sales, 1)
    ]
    known_offers = offers.lay_out(session, shop.vendor_id)
    used = [
        (order, redemption)
        for order, own in made[::7]
        if order["status"] != "cancelled"
        and (redemption := offers.take_off(own, known_offers)) is not None
    ]
    lines: list[dict[str, Any]] = []
    paid: list[tuple[int, dict[str, Any]]] = []
    for batch in range(0, len(made), 2000):
        some = made[batch : batch + 2000]
        keys = add_all(session, Order, [order for order, _ in some])
        for key, (order, own) in zip(keys, some, strict=True):
            order["id"] = key
            lines += [{**line, "order_id": key} for line in own]
        paid += [(key, order) for key, (order, _) in zip(keys, some, strict=True)]
    takings.payments(session, paid)
    put(session, CouponRedemption, [
        {**row, "order_id": order["id"], "customer_id": order["customer_id"],
         "channel": order["channel"], "redeemed_at": order["placed_at"],
         "created_at": order["placed_at"]}
        for order, row in used
    ])  # fmt: skip
    sent = {key: order for key, order in paid if order["pieces"]}
    put(session, OrderLine, [line for line in lines if line["order_id"] not in sent])
    counted = [line for line in lines if line["order_id"] in sent]
    for line, key in zip(counted, add_all(session, OrderLine, counted), strict=True):
        line["id"] = key
    parcels.fill_shelves(session, shop.variants, list(sent.values()), counted, now)
    parcels.send(session, list(sent.values()), counted, now)
    return len(made)


def _in_hours(shop: Shop, random: Random, moment: datetime, now: datetime) -> datetime:
    """The same day, while the vendor works."""
    return min(shop.at_work(random, moment.astimezone(shop.zone).date()), now)


def _order(
    shop: Shop,
    random: Random,
    number: int,
    customer: dict[str, Any] | None,
    moment: datetime,
    now: datetime,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    picked = random.sample(shop.variants, min(random.choices((1, 2, 3), (55, 30, 15))[0],
                                              len(shop.variants)))  # fmt: skip
    channel = random.choices(CHANNELS, (55, 38, 7))[0] if customer else "walk_in"
    home = customer.get("home") if customer and channel == "online" else None
    region = REGIONS.get(home["city"]) if home else REGIONS.get(shop.show.city)
    lines = [_line(shop, position, variant, random.choices((1, 2, 3), (75, 20, 5))[0], region)
             for position, variant in enumerate(picked, 1)]  # fmt: skip
    counted = now - moment < parcels.WRITTEN_DOWN
    pieces = sum(line["quantity"] for line in lines) if counted else 0
    if home:
        sending = shop.books.sending(shop.vendor_id, len(lines) + 1)
        lines.append(shop.books.taxed(sending, "", region) | {"warranty_months": None})
    tax = sum((line["tax"] for line in lines), Decimal(0))
    total = sum((line["total"] for line in lines), tax if shop.books.on_top else Decimal(0))
    age = now - moment
    if age > timedelta(days=5):
        status = random.choices(("completed", "cancelled"), (95, 5))[0]
    else:
        status = random.choices(("placed", "fulfilled", "completed"), (40, 30, 30))[0]
    done = moment + timedelta(hours=random.randrange(1, 72))
    fulfilled = status in ("fulfilled", "completed")
    order = {
        "vendor_id": shop.vendor_id, "number": number, "public_ref": new_reference(),
        "customer_id": customer["id"] if customer else None, "status": status,
        "channel": channel, "total": total, "tax": tax, "includes_tax": not shop.books.on_top,
        "pieces": pieces, "placed_at": moment, "handing": "delivery" if home else "counter",
        "shipping_method_id": shop.books.courier if home else None,
        "ship_to": {**home, **({"region": region} if region else {})} if home else None,
        "fulfilled_at": min(done, now) if fulfilled else None,
        "completed_at": min(done, now) if status == "completed" else None,
        "cancelled_at": min(done, now) if status == "cancelled" else None,
        "cancel_reason": "ordered twice" if status == "cancelled" else None, "created_at": moment,
    }  # fmt: skip
    return order, lines


def _line(
    shop: Shop, position: int, variant: dict[str, Any], quantity: int, region: str | None
) -> dict[str, Any]:
    line = {
        "vendor_id": shop.vendor_id, "position": position, "kind": "product",
        "variant_id": variant["id"], "name": variant["label"], "quantity": quantity,
        "unit_price": variant["price"], "total": variant["price"] * quantity,
        "discount": Decimal(0), "price_steps": None,
        "warranty_months": variant["warranty_months"],
    }  # fmt: skip
    return shop.books.taxed(line, variant["category"], region)


TASKS = {
    "follow_up": "Ask how it went",
    "reminder": "Remind about the next visit",
    "delivery_check": "Check that the parcel arrived",
    "replenishment": "Call before the supply runs out",
}


def tasks(
    session: Session, shop: Shop, random: Random, known: list[dict[str, Any]], now: datetime
) -> None:
    """To-dos: everybody waiting for a follow-up has one; others are done, due or overdue."""
    rows = [
        _task(shop, random, customer, now)
        for customer in known
        if customer["status"] == "pending_follow_up" or random.random() <= 0.06
    ]
    put(session, Task, sorted(rows, key=lambda row: row["created_at"]))


def _task(shop: Shop, random: Random, customer: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Due at a half hour of a working day; what is done was done on its day, before now."""
    waits = customer["status"] == "pending_follow_up"
    kind = "follow_up" if waits else random.choice(tuple(TASKS))
    status = "open" if waits else random.choice(("open", "done", "in_progress"))
    days = random.randrange(-12, 0) if status == "done" else random.randrange(-4, 6)
    today = now.astimezone(shop.zone).date()
    due = shop.at_work(random, today + timedelta(days=days), every=30)
    done = min(due + timedelta(minutes=random.randrange(-90, 120)), now)
    days_ago = timedelta(days=random.randrange(1, 6))
    planned = shop.at_work(random, (min(due, now).astimezone(shop.zone) - days_ago).date())
    return {
        "vendor_id": shop.vendor_id, "customer_id": customer["id"], "kind": kind,
        "title": TASKS[kind], "status": status, "due_at": due,
        "assignee_id": random.choice(shop.staff),
        "created_at": max(planned, customer["created_at"]),
        "done_at": max(done, customer["created_at"]) if status == "done" else None,
        "outcome": "spoke on the phone" if status == "done" else None,
    }  # fmt: skip
