"""A believable marketplace of any size, as rows ready for COPY.

Everything is drawn from one seed, so two runs of the same size hold the same data. Vendors, items
and pace are skewed: few vendors have most customers, few services most bookings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from app.contact import fold, searchable
from app.seeding.catalogue import PRODUCT_TREE, SERVICE_TREE
from app.seeding.people import NAMES

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FOUR_YEARS = 4 * 365 * 24 * 60
"""in minutes"""
SERVICES, PRODUCTS, STAFF, TAGS, PACKAGES, PLANS, ROOMS = 12, 30, 8, 12, 3, 2, 2
"""of each vendor"""
KINDS = ("appointment", "class", "lab_test", "stay")
CITIES = ("Lisboa", "Amsterdam", "Nairobi", "Brooklyn", "Berlin", "Sydney", "Porto", "Utrecht",
          "Mombasa", "Queens", "Potsdam", "Newcastle")  # fmt: skip
SYLLABLES = ("ba", "den", "kor", "li", "mar", "no", "per", "ros", "sen", "tal", "vik", "wal")

Row = tuple[object, ...]


def _weights(n: int, power: float) -> np.ndarray:
    raw = 1 / (np.arange(n) + 4.0) ** power
    return raw / raw.sum()


@dataclass
class World:
    """The sizes of the marketplace and what every table's rows refer to."""

    customers: int
    vendors: int
    seed: int = 2026

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        weights = _weights(self.vendors, 0.9)
        self.vendor_of = self.random.choice(self.vendors, self.customers, p=weights) + 1
        self.since = (self.random.random(self.customers) ** 1.3 * FOUR_YEARS).astype(np.int64)
        pace = self.random.gamma(0.7, 1.0, self.customers)
        self.pace = pace / pace.mean()

    def moment(self, minutes_ago: int) -> str:
        return (NOW - timedelta(minutes=int(minutes_ago))).isoformat()


def categories() -> Iterator[Row]:
    """(id, kind, parent_id, name): the two trees of the demo and one of packages."""
    key = 0
    for kind, tree in (("service", SERVICE_TREE), ("product", PRODUCT_TREE)):
        for name, children in tree.items():
            key += 1
            parent = key
            yield key, kind, None, name
            for child in children:
                key += 1
                yield key, kind, parent, child
    yield key + 1, "package", None, "Session packs"


def leaves(kind: str) -> list[int]:
    """The ids of the categories of a kind that have a parent."""
    return [row[0] for row in categories() if row[1] == kind and row[2] is not None]  # type: ignore[misc]


def vendors(world: World) -> Iterator[Row]:
    for key in range(1, world.vendors + 1):
        yield key, f"vendor-{key}", f"Vendor {key}", "other", "PT", "Europe/Lisbon"


def staff(world: World) -> Iterator[Row]:
    for vendor in range(world.vendors):
        for place in range(STAFF):
            yield vendor * STAFF + place + 1, vendor + 1, f"Staff {place + 1}"


def hours(world: World) -> Iterator[Row]:
    """Six days of nine hours with a break for everybody, the seventh off, another for each."""
    for member in range(1, world.vendors * STAFF + 1):
        vendor = (member - 1) // STAFF + 1
        for weekday in range(1, 8):
            if weekday != member % 7 + 1:
                yield vendor, member, "work", weekday, "09:00", "18:00"
                yield vendor, member, "break", weekday, "13:00", "13:45"


def rooms(world: World) -> Iterator[Row]:
    """Two kinds of rooms a vendor, four of each."""
    for key in range(1, world.vendors * ROOMS + 1):
        yield key, (key - 1) // ROOMS + 1, f"Room {(key - 1) % ROOMS + 1}", 4


def needs(world: World) -> Iterator[Row]:
    """Every third service needs one of the first rooms, every stay one of the second."""
    for service in range(1, world.vendors * SERVICES + 1):
        vendor, stays = (service - 1) // SERVICES + 1, service_kind(service) == "stay"
        if stays or service % 3 == 0:
            yield vendor, service, (vendor - 1) * ROOMS + 1 + stays


def terms(world: World) -> Iterator[Row]:
    """One policy a vendor: free for a day, then half, then all of it."""
    for vendor in range(1, world.vendors + 1):
        yield vendor, 24, 2, 50, 100, 100


def _favourite(vendor: int, place: int, choices: list[int]) -> int:
    """A vendor sells in few categories: neighbours in the tree, most of all the first."""
    return choices[(vendor * 3 + min(place, 5)) % len(choices)]


def services(world: World) -> Iterator[Row]:
    choices = leaves("service")
    for vendor in range(world.vendors):
        for place in range(SERVICES):
            kind = KINDS[place % 7] if place % 7 < 4 else "appointment"
            yield (vendor * SERVICES + place + 1, vendor + 1, f"Service {place + 1}", kind,
                   _favourite(vendor, place, choices), 30 + 15 * (place % 4),
                   20 + 5 * place)  # fmt: skip


def service_kind(service: int) -> str:
    place = (service - 1) % SERVICES
    return KINDS[place % 7] if place % 7 < 4 else "appointment"


def service_price(service: int) -> int:
    return 20 + 5 * ((service - 1) % SERVICES)


def products(world: World) -> Iterator[Row]:
    choices = leaves("product")
    for vendor in range(world.vendors):
        for place in range(PRODUCTS):
            yield (vendor * PRODUCTS + place + 1, vendor + 1, f"Product {place + 1}",
                   _favourite(vendor, place, choices))  # fmt: skip


def variants(world: World) -> Iterator[Row]:
    for key in range(1, world.vendors * PRODUCTS + 1):
        yield key, (key - 1) // PRODUCTS + 1, key, f"SKU-{key}", variant_price(key)


def variant_price(variant: int) -> int:
    return 5 + 3 * ((variant - 1) % PRODUCTS)


def tags(world: World) -> Iterator[Row]:
    for key in range(1, world.vendors * TAGS + 1):
        yield key, (key - 1) // TAGS + 1, f"tag {(key - 1) % TAGS + 1}"


def packages(world: World) -> Iterator[Row]:
    category = max(row[0] for row in categories())  # type: ignore[type-var]
    for key in range(1, world.vendors * PACKAGES + 1):
        yield key, (key - 1) // PACKAGES + 1, f"Pack {key}", category, 10, 200


def plans(world: World) -> Iterator[Row]:
    for key in range(1, world.vendors * PLANS + 1):
        yield key, (key - 1) // PLANS + 1, f"Plan {key}", 20


def names(world: World) -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """First names and surnames with their shares; the most frequent first name is very frequent."""
    first = sorted({name for firsts, _ in NAMES.values() for name in firsts})
    last = sorted({name for _, lasts in NAMES.values() for name in lasts})
    last += [(a + b + c).title() for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
    return first, _weights(len(first), 0.8), last, _weights(len(last), 0.7)


def customers(world: World, start: int, stop: int) -> Iterator[Row]:
    """Customers `start`..`stop` with names, contacts and search words, without statistics."""
    random = np.random.default_rng((world.seed, 1, start))
    n = stop - start
    first, first_share, last, last_share = names(world)
    given = random.choice(len(first), n, p=first_share)
    family = random.choice(len(last), n, p=last_share)
    has_email, has_phone = random.random(n) < 0.85, random.random(n) < 0.9
    status = random.choice(3, n, p=(0.85, 0.12, 0.03))
    channel = random.choice(5, n, p=(0.5, 0.33, 0.14, 0.005, 0.025))
    for i in range(n):
        key = start + i
        name = f"{first[given[i]]} {last[family[i]]}"
        slug = fold(name).replace(" ", ".").replace("'", "")
        email = f"{slug}.{key}@example.com" if has_email[i] else None
        phone = f"+4915{10_000_000 + key:09d}" if has_phone[i] else None
        sort_name, search_text = searchable(name, None, email, phone, None)
        yield (key, int(world.vendor_of[key - 1]), name, email, phone,
               ("active", "inactive", "pending_follow_up")[status[i]],
               ("online", "walk_in", "phone", "partner", "import")[channel[i]],
               world.moment(world.since[key - 1]), sort_name, search_text)  # fmt: skip


def _events(world: World, stream: int, start: int, stop: int, mean: float, items: int,
            power: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Customers, vendors, items and minutes ago of what customers `start`..`stop` did."""
    random = np.random.default_rng((world.seed, stream, start))
    count = random.poisson(world.pace[start - 1 : stop - 1] * mean)
    owner = np.repeat(np.arange(start, stop), count)
    n = len(owner)
    place = random.choice(items, n, p=_weights(items, power))
    # everybody has a favourite, so that the same thing is bought again
    mine = random.random(n) < 0.6
    place = np.where(mine, (owner * 7) % items, place)
    minutes = (random.random(n) * world.since[owner - 1]).astype(np.int64)
    vendor = world.vendor_of[owner - 1]
    return owner, vendor, (vendor - 1) * items + place + 1, minutes


def references(random: np.random.Generator, n: int) -> list[str]:
    """Random public references, as PostgreSQL reads them."""
    digits = random.bytes(16 * n).hex()
    return [digits[i : i + 32] for i in range(0, 32 * n, 32)]


def moments(minutes_ago: np.ndarray, later: int = 0) -> list[str]:
    """ISO 8601 in UTC of so many minutes ago, `later` minutes later."""
    start = np.datetime64(NOW.replace(tzinfo=None), "m")
    when = start - minutes_ago.astype("timedelta64[m]") + np.timedelta64(later, "m")
    return [f"{text}Z" for text in np.datetime_as_string(when).tolist()]


def bookings(world: World, start: int, stop: int, mean: float) -> Iterator[Row]:
    """Past bookings with an outcome, `mean` a customer."""
    random = np.random.default_rng((world.seed, 12, start))
    owner, vendor, service, ago = _events(world, 2, start, stop, mean, SERVICES, 0.8)
    luck = random.random(len(owner))
    status = np.where(luck < 0.86, "completed", np.where(luck < 0.95, "cancelled", "no_show"))
    kinds = [service_kind(key) for key in range(1, SERVICES + 1)]
    prices = [service_price(key) for key in range(1, SERVICES + 1)]
    staff = (vendor - 1) * STAFF + owner % STAFF + 1
    known_as = references(random, len(owner))
    # half of them within five days; who walks in is served at once
    ahead = (random.exponential(7, len(owner)) * 1440).astype(ago.dtype)
    ahead[owner % 3 == 1] = 0
    rows = zip(known_as, vendor.tolist(), owner.tolist(), service.tolist(),
               staff.tolist(), status.tolist(), moments(ago), moments(ago, 45),
               moments(ago + ahead), strict=True)  # fmt: skip
    for reference, shop, customer, item, who, word, begins, ends, made in rows:
        place, during = (item - 1) % SERVICES, f"[{begins},{ends})"
        yield (reference, shop, customer, item, who, kinds[place], word,
               ("online", "walk_in", "phone")[customer % 3], begins, ends, during, during,
               prices[place], ends if word == "completed" else None, made)  # fmt: skip


def orders(world: World, start: int, stop: int, mean: float) -> Iterator[tuple[Row, list[Row]]]:
    """Completed orders with one to four product lines; the caller numbers them."""
    random = np.random.default_rng((world.seed, 13, start))
    owner, vendor, variant, ago = _events(world, 3, start, stop, mean, PRODUCTS, 0.6)
    names = [f"Product {place + 1}" for place in range(PRODUCTS)]
    prices = [variant_price(key) for key in range(1, PRODUCTS + 1)]
    rows = zip(references(random, len(owner)), owner.tolist(), vendor.tolist(), variant.tolist(),
               ago.tolist(), moments(ago), strict=True)  # fmt: skip
    for reference, customer, shop, item, minutes, at in rows:
        base = (shop - 1) * PRODUCTS
        lines: list[Row] = []
        total = 0
        for position in range(1, 2 + (customer + minutes) % 4):
            place = (item - base - 1 + (position - 1) * 5) % PRODUCTS
            quantity = 1 + (minutes + position) % 3 // 2
            price = prices[place]
            total += price * quantity
            lines.append((shop, position, "product", base + place + 1, names[place], quantity,
                          price, price * quantity))  # fmt: skip
        status = "cancelled" if minutes % 25 == 0 else "completed"
        yield (shop, reference, customer, status, ("online", "walk_in", "phone")[minutes % 3],
               total, at), lines  # fmt: skip
