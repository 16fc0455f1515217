"""Fill an empty database with the demo's marketplace."""

import json
from datetime import time
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, func, insert, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app import clock
from app.database import begin
from app.errors import DomainError
from app.money import rounded
from app.operations import demand, figures, interests, pairs, passwords, truth
from app.seeding import (
    aftermath,
    bookings,
    busy,
    chosen,
    duties,
    entitled,
    history,
    letters,
    offers,
    parcels,
    rules,
    schedules,
    thanks,
    told,
    travellers,
    worth,
)
from app.seeding.catalogue import (
    PACKAGE_TREE,
    PRODUCT_TREE,
    SERVICE_TREE,
    VENDORS,
    VendorOnShow,
)
from app.seeding.duties import ON_TOP, REGIONS, Books
from app.seeding.history import Shop
from app.seeding.rows import add_all, uncounted
from app.tenancy import acting, admin_actor
from models.categories import Category
from models.customers import Customer
from models.interests import CustomerInterest
from models.memberships import MembershipPlan
from models.packages import Package
from models.products import Product, Variant
from models.services import Service
from models.staff import StaffMember
from models.tags import Tag
from models.users import User, VendorUser
from models.vendors import Counter, Vendor

DEMO_PASSWORD = passwords.DEMO_PASSWORD
COSTS = Decimal("0.55")
"""What a thing costs the vendor, of what it is sold for."""


class AlreadyFilled(DomainError):
    sentence = "There are vendors already: seed fills an empty database only."


def is_empty() -> bool:
    """Whether the marketplace has no vendor yet."""
    with acting(admin_actor()), begin() as session:
        return session.scalar(select(func.count()).select_from(Vendor)) == 0


def seed() -> None:
    """Six vendors with catalogue, staff, sign-ins and two years of customers; all or nothing."""
    with acting(admin_actor()), begin() as session:
        if session.scalar(select(func.count()).select_from(Vendor)):
            raise AlreadyFilled
        random = Random(2026)  # noqa: S311  the same demo every time
        password = passwords.rehashed(DEMO_PASSWORD)  # refused at sign-in outside the demo
        categories = _categories(session)
        _user(session, "admin@backroom.example", "Tomás Almeida", password, role="admin")
        _user(session, "analyst@backroom.example", "Ada Lind", password, role="analyst")
        for show in VENDORS:
            shop = _shop(session, show, categories)
            _sign_ins(session, shop, password)
            _past(session, shop, random)
        vendor_ids = session.scalars(select(Vendor.id).order_by(Vendor.id)).all()
        travellers.make(session, vendor_ids, clock.now())
        with uncounted(session):
            write_truth(session)
        for vendor in session.scalars(select(Vendor).order_by(Vendor.id)).all():
            thanks.make(session, vendor, clock.now())
            aftermath.tell(session, vendor, clock.now())
            thanks.redeem(session, vendor, clock.now())
            offers.make(session, vendor.id, clock.now())
            rules.make(session, vendor.id, clock.now())
            told.tell(session, vendor, clock.now())
            letters.write(session, vendor.id, clock.now())
        session.flush()  # what was bought is noted
        with uncounted(session):
            rules.work_out(session)
        for vendor_id in vendor_ids:
            pairs.rebuild(session, vendor_id=vendor_id, now=clock.now())
            demand.rebuild(session, vendor_id=vendor_id)
        figures.rebuild(session)
        with uncounted(session):
            worth.work_out(session, vendor_ids, clock.now().date())
            chosen.make(session, clock.now())


DATED = text(
    """
    UPDATE audit_entries SET at = made.at
    FROM (
      SELECT id, CAST(coalesce(new ->> 'created_at', new ->> 'at') AS timestamptz) AS at
      FROM audit_entries WHERE action = 'create'
    ) AS made
    WHERE made.id = audit_entries.id AND made.at < audit_entries.at
    """
)


WRITTEN = text(
    """
    UPDATE audit_entries
    SET user_id = those.people[1 + audit_entries.id % cardinality(those.people)]
    FROM (
      SELECT CAST(key AS bigint) AS vendor_id,
        ARRAY(SELECT CAST(one AS bigint) FROM jsonb_array_elements_text(value) AS one) AS people
      FROM jsonb_each(CAST(:writers AS jsonb))
    ) AS those
    WHERE those.vendor_id = audit_entries.vendor_id AND action = 'create'
      AND table_name = ANY(:tables) AND at < now() - interval '1 hour'
      AND coalesce(new ->> 'channel', 'walk_in') IN ('walk_in', 'phone')
    """
)


def date_the_trail(owner_url: str) -> None:
    """Let the demo's trail say that things were made when they are said to have been made.

    And by whom, where people of the vendor write such things. The trail tells the truth of the
    clock, and nobody who acts can change it: only the owner may act as the role that keeps it, and
    does so here alone, for invented people.
    """
    with acting(admin_actor()), begin() as session:
        writers = json.dumps(busy.writers(session))
    engine = create_engine(owner_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE app_audit"))
        connection.execute(DATED)
        by_hand = {"writers": writers, "tables": list(busy.WRITTEN_BY_HAND)}
        connection.execute(WRITTEN, by_hand)
    with acting(admin_actor()), begin() as session:
        busy.tell(session, clock.now().date())


def write_truth(session: Session) -> None:
    """Work out all customers' numbers and interests in one go, where none are kept yet."""
    numbers = truth.true_numbers().subquery()
    session.execute(
        update(Customer)
        .where(Customer.id == numbers.c.customer_id)
        .values({name: numbers.c[name] for name in interests.NUMBERS})
        .execution_options(synchronize_session=False)
    )
    found = truth.true_interests().subquery()
    columns = [*truth.KEY, "category_id", "times", "spent", "last_at"]
    session.execute(
        insert(CustomerInterest).from_select(columns, select(*(found.c[c] for c in columns)))
    )


def _past(session: Session, shop: Shop, random: Random) -> None:
    now = clock.now()
    known = history.customers(session, shop, random, now)
    bookings.fill(session, shop, random, known, now)
    count = history.orders(session, shop, random, known, now)
    count = entitled.holdings(session, shop, random, known, now, count)
    session.add(Counter(vendor_id=shop.vendor_id, series="orders", value=count))
    history.tasks(session, shop, random, known, now)


def _categories(session: Session) -> dict[tuple[str, str], int]:
    """The marketplace's tree; ids by kind and name."""
    found: dict[tuple[str, str], int] = {}
    for kind, tree in (
        ("service", SERVICE_TREE),
        ("product", PRODUCT_TREE),
        ("package", PACKAGE_TREE),
    ):
        for position, (name, children) in enumerate(tree.items()):
            [parent] = add_all(
                session, Category, [{"kind": kind, "name": name, "position": position}]
            )
            found[kind, name] = parent
            rows = [
                {"kind": kind, "name": child, "parent_id": parent, "position": place}
                for place, child in enumerate(children)
            ]
            keys = add_all(session, Category, rows)
            found |= {(kind, child): key for child, key in zip(children, keys, strict=True)}
    return found


def _user(session: Session, email: str, name: str, password: str, role: str | None = None) -> int:
    [key] = add_all(
        session, User, [{"email": email, "name": name, "role": role, "password_hash": password}]
    )
    return key


def _sign_ins(session: Session, shop: Shop, password: str) -> None:
    for role, person in (("manager", shop.show.staff[0][0]), ("staff", shop.show.staff[1][0])):
        user = _user(session, f"{role}@{shop.show.slug}.example", person, password)
        place = 0 if role == "manager" else 1
        session.execute(
            insert(VendorUser),
            [{"vendor_id": shop.vendor_id, "user_id": user, "role": role,
              "staff_member_id": shop.staff[place]}],
        )  # fmt: skip


def _shop(session: Session, show: VendorOnShow, categories: dict[tuple[str, str], int]) -> Shop:
    [vendor] = add_all(
        session,
        Vendor,
        [{"slug": show.slug, "name": show.name, "kind": show.kind, "country": show.country,
          "city": show.city, "time_zone": show.time_zone, "region": REGIONS.get(show.city),
          "legal_name": show.legal_name, "street": show.street,
          "postal_code": show.postal_code, "tax_number": show.tax_number,
          "prices_include_tax": show.country != ON_TOP,
          "email": f"hello@{show.slug}.example"}],
    )  # fmt: skip
    own = {"vendor_id": vendor}
    books = duties.open_books(session, show, vendor)
    staff = add_all(
        session, StaffMember, [{**own, "name": name, "title": title} for name, title in show.staff]
    )
    services: list[dict[str, Any]] = [
        {**own, "name": s.name, "kind": s.kind, "category_id": categories["service", s.category],
         "duration_minutes": s.minutes, "price": Decimal(s.price), "capacity": s.capacity,
         "buffer_before_minutes": s.buffer_before, "buffer_after_minutes": s.buffer_after,
         "slot_interval_minutes": s.every, "min_notice_minutes": s.notice,
         "max_advance_days": s.advance, "deposit": Decimal(s.deposit),
         "tax_class_id": books.class_of(s.category),
         "check_in_time": time(14) if s.kind == "stay" else None,
         "check_out_time": time(11) if s.kind == "stay" else None}
        for s in show.services
    ]  # fmt: skip
    for row, key in zip(services, add_all(session, Service, services), strict=True):
        row["id"] = key
    by_name = {row["name"]: row["id"] for row in services}
    packages: list[dict[str, Any]] = [
        {**own, "name": p.name, "category_id": categories["package", p.category],
         "service_id": by_name[p.service], "uses": p.uses, "price": Decimal(p.price),
         "valid_days": p.valid_days}
        for p in show.packages
    ]  # fmt: skip
    for row, key in zip(packages, add_all(session, Package, packages), strict=True):
        row["id"] = key
    plans: list[dict[str, Any]] = [
        {**own, "name": name, "price": Decimal(price)} for name, price in show.plans
    ]
    for row, key in zip(plans, add_all(session, MembershipPlan, plans), strict=True):
        row["id"] = key
    tags = add_all(session, Tag, [{**own, "name": name} for name in show.tags])
    variants = _variants(session, show, vendor, categories, books)
    names = {name: key for (name, _), key in zip(show.staff, staff, strict=True)}
    today = clock.now().astimezone(ZoneInfo(show.time_zone)).date()
    diary = schedules.open_diary(session, show, vendor, names, services, today)
    return Shop(vendor, show, staff, services, variants, packages, plans, tags, diary, books)


def _variants(
    session: Session,
    show: VendorOnShow,
    vendor: int,
    categories: dict[tuple[str, str], int],
    books: Books,
) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for product in show.products:
        category = categories["product", product.category]
        [key] = add_all(
            session,
            Product,
            [{"vendor_id": vendor, "name": product.name, "category_id": category}],
        )
        rows = [
            {"vendor_id": vendor, "product_id": key, "sku": sku, "option": option,
             "price": Decimal(price), "cost": rounded(Decimal(price) * COSTS),
             "replenishment_days": product.replenishment_days, "tracks_stock": True,
             "warranty_months": product.warranty_months, "low_stock": parcels.LOW_AT,
             "tax_class_id": books.class_of(product.category)}
            for sku, option, price in product.variants
        ]  # fmt: skip
        for row, variant in zip(rows, add_all(session, Variant, rows), strict=True):
            label = f"{product.name}, {row['option']}" if row["option"] else product.name
            made.append({**row, "id": variant, "label": label, "category": product.category})
    return made
