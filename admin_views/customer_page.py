"""One customer's page: contact, figures, what they hold, and one time line of everything."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, ClassVar
from urllib.parse import urlencode

from sqladmin import expose
from sqlalchemy import Select, Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views import covers, customer_chart, customer_next, customer_side, message_words
from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.customer_filters import STATUSES
from admin_views.customer_list import BASE, ICONS
from admin_views.customer_side import may
from admin_views.rendering import (
    ago,
    clock_time,
    day,
    day_head,
    drawn,
    moment,
    money,
    number,
    phone,
    plural,
    word,
)
from app import clock
from app.operations import customers
from app.operations.likeness import likely_duplicates
from app.operations.merging import UNDO_WITHIN
from app.settings import settings
from app.tenancy import DatabaseRole, current_actor
from models.customers import Customer, CustomerMerge
from models.labels import Change
from models.tags import CustomerTag, Tag
from models.vendors import Vendor
from models.words import InterestKind
from reports import customer_figures, timeline
from reports.customer_figures import Figures, Interest
from reports.suggestions import SERVICES
from reports.timeline import Item, Tab

TABS: Sequence[tuple[Tab, str]] = (
    (Tab.EVERYTHING, "Everything"),
    (Tab.BOOKINGS, "Bookings"),
    (Tab.ORDERS, "Orders"),
    (Tab.MESSAGES, "Messages"),
    (Tab.TASKS, "Tasks"),
    (Tab.HOLDINGS, "Holdings"),
    (Tab.CHANGES, "Changes"),
)
LOOKS: Mapping[str, tuple[str, str | None, str]] = {
    "booking": ("calendar-event", "booking", "booking"),
    "order": ("receipt", "order", "order"),
    "payment": ("cash", "payment", ""),
    "refund": ("receipt-refund", "order", "refund"),
    "return": ("arrow-back-up", "product-return", "return"),
    "shipment": ("truck-delivery", "shipment", "shipment"),
    "document": ("file-invoice", "invoice", ""),
    "cover": ("shield-check", "cover", "cover"),
    "claim": ("shield-question", "warranty-claim", "claim"),
    "credit": ("wallet", None, ""),
    **{f"message_{way}": (icon, "message", "message") for way, icon in message_words.ICONS.items()},
    "task": ("checkbox", "task", "task"),
    "package": ("ticket", "package-holding", "holding"),
    "membership": ("id-badge-2", "membership", "membership"),
    "consent": ("mail-check", None, ""),
    "change": ("history", None, ""),
}
"""Kind of item -> its glyph, the screen it opens, the noun of its status."""
TALKS = (
    ("out.phone", "We called"), ("out.letter", "We sent a letter"), ("in.phone", "They called"),
    ("in.email", "They wrote an e-mail"), ("in.sms", "They wrote an SMS"),
    ("in.push", "They wrote in the app"), ("in.letter", "They sent a letter"),
)  # fmt: skip
"""What is written down by hand: direction and channel, as people say it."""
SURE = 85
MANY = 400
"""Orders from which on a plan for the average customer is the wrong one."""
CAP = 1000


class CustomerPage(HouseView):
    """The page of `CustomerView`."""

    details_template: ClassVar[str] = "panel/customer_page.html"
    plans_details_once: ClassVar[bool] = True  # each part of it reads one customer's rows

    def read_details(self, session: Session, request: Request, number: int) -> Any:
        """The customer and all around them; a merged file leads to the one it became."""
        customer = session.get(Customer, number)
        if customer is None:
            return None, {}
        if customer.merged_into_id is not None:
            raise moved(customers.survivor_of(session, number))
        if customer.order_count >= MANY:
            session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
        return customer, self.page_of(session, request, customer)

    def page_of(self, session: Session, request: Request, customer: Customer) -> dict[str, Any]:
        """Everything the page shows, read while the session is open."""
        at = f"{BASE}/{customer.id}"
        lives = customer.archived_at is None
        edits = lives and may("edit")
        words = words_of(session, customer)
        vendor = words.vendor if current_actor().role is not DatabaseRole.VENDOR else None
        known = customer_figures.figures(session, customer=customer, now=clock.now())
        page: dict[str, Any] = {
            "customer": head(customer, vendor),
            "tags": [
                {"name": t, "remove_url": f"{at}/untag?{urlencode({'name': t})}" if edits else None}
                for t in words.worn
            ],
            "tag_add": {"url": f"{at}/tag", "choices": words.known}
            if edits and may("tags")
            else None,
            "status_choices": STATUSES,
            "status_url": f"{at}/status" if edits else None,
            "call": {"phone": customer.phone} if customer.phone and lives else None,
            "buttons": buttons(customer) if lives else [],
            "more": more(customer, at),
            "banner": banner(session, customer, at),
            "same_url": f"{at}/same" if edits and may("merge") else None,
            "figures": figures(known),
            "spend": customer_chart.spend(known.months),
            "revenue": revenue(known),
            "note_form": {"url": f"{at}/log"} if edits else None,
            "talk": {"choices": TALKS} if edits and may("create", "message") else None,
            "bought": bought(known),
            "outlook": customer_next.card(known),
            **(customer_next.offers(session, customer) if edits else {}),
            "covers": covers.of_customer(session, customer),
            **time_line(session, request, customer),
            **customer_side.cards(session, customer, edits),
            **questions(customer, at),
        }
        kept = getattr(request.state, "customer_dialog", None)
        return page | {"dialog": kept or {}}

    @expose("/{pk}/same", methods=["GET"])
    @needs("merge")
    async def same(self, request: Request) -> Response:
        """Somebody who is very likely the same; asked once the page stands."""
        number = self.number(request.path_params["pk"])

        def look(session: Session) -> dict[str, Any] | None:
            customer = session.get(Customer, number)
            if customer is None:
                raise HTTPException(404)
            return same_person(session, customer) if customer.archived_at is None else None

        found = await self.in_transaction(look)
        html = drawn("panel/same_person.html", {"same": found}) if found else ""
        return JSONResponse({"html": html})


def moved(survivor: int) -> HTTPException:
    """The way to the file that a merged one became."""
    return HTTPException(303, headers={"location": f"{BASE}/details/{survivor}"})


def head(customer: Customer, vendor: str | None) -> dict[str, Any]:
    """Who it is, in the head and the contact card."""
    icon, came = ICONS[customer.channel]
    return {
        "id": customer.id, "name": customer.name, "status": customer.status,
        "channel_icon": icon, "since": f"{came}, {day(customer.created_at)}",
        "vendor_name": vendor, "phone": customer.phone, "phone_2": customer.phone_2,
        "email": customer.email, "company": customer.company, "born": customer.birthday,
        "reference": customer.reference,
        "language": customer.locale, "zone": customer.time_zone, "note": customer.note,
        "archived": customer.archived_at is not None, "seen": customer.updated_at.isoformat(),
        "full_name": customer.full_name, "channel": customer.channel,
    }  # fmt: skip


def _words() -> Select[Any]:
    vendor: Any = bindparam("vendor_id")
    customer: Any = bindparam("customer_id")
    worn = (
        select(Tag.name)
        .join(CustomerTag, CustomerTag.tag_id == Tag.id)
        .where(CustomerTag.vendor_id == vendor, CustomerTag.customer_id == customer)
        .distinct()
        .order_by(Tag.name)
    )
    known = select(Tag.name).where(Tag.vendor_id == vendor).order_by(Tag.name).limit(50)

    def listed(names: Select[Any]) -> Any:
        return func.array(names.scalar_subquery(), type_=ARRAY(Text))

    return select(
        Vendor.name.label("vendor"), listed(worn).label("worn"), listed(known).label("known")
    ).where(Vendor.id == vendor)


_WORDS = _words()


def words_of(session: Session, customer: Customer) -> Any:
    """The vendor's name, the tags the customer wears, and words the vendor uses, to be chosen."""
    whose = {"vendor_id": customer.vendor_id, "customer_id": customer.id}
    return session.connection().execute(_WORDS, whose).one()


KEYS = {"message": "m"}
NOTHING = {
    Tab.MESSAGES: "What is said by e-mail, SMS, phone or letter gathers here, both ways.",
}


def buttons(customer: Customer) -> list[dict[str, Any]]:
    """What is done with a customer most: book and sell, at the counter of whose page it is."""
    of = f"?customer={customer.id}"
    at_counter = current_actor().vendor_id == customer.vendor_id and may("sell", "counter")
    offered = (
        ("message", "Write", "message", False, "message/create"),
        ("order", "Sell", "receipt", False, "counter" if at_counter else "order/create"),
        ("booking", "Book", "calendar-plus", True, "booking/create"),
    )
    return [
        {
            "title": t,
            "url": f"/admin/{path}{of}",
            "icon": icon,
            "primary": primary,
            "key": KEYS.get(identity),
        }
        for identity, t, icon, primary, path in offered
        if may("create", identity)
    ]


def more(customer: Customer, at: str) -> list[dict[str, Any]]:
    """What is done rarely, behind the dots."""
    lives, known = customer.archived_at is None, customer.anonymised_at is None
    entries: list[tuple[bool, str, str, dict[str, Any]]] = [
        (lives and may("edit"), "All fields", "pencil", {"url": f"{BASE}/edit/{customer.id}"}),
        (lives and may("merge"), "Merge with another", "arrows-join", {"url": f"{at}/merge"}),
        (lives and may("delete"), "Archive", "archive", {"dialog": "delete-dialog"}),
        (not lives and known and may("delete"), "Take out of the archive", "archive-off",
         {"url": f"{at}/restore", "post": True}),
        (known and may("forget"), "Forget for good", "eraser", {"dialog": "forget-dialog"}),
    ]  # fmt: skip
    return [{"title": t, "icon": icon, **how} for on, t, icon, how in entries if on]


def questions(customer: Customer, at: str) -> dict[str, Any]:
    """The dialogs that ask before a file goes, and say what stays."""
    asked: dict[str, Any] = {}
    if customer.archived_at is None and may("delete"):
        asked["delete"] = {
            "url": f"{at}/archive", "verb": "Archive customer",
            "title": f"Archive {customer.name}?",
            "text": "No list shows them any more. Bookings, orders, tasks and the trail of changes"
            " stay, and the file can be taken out again.",
        }  # fmt: skip
    if customer.anonymised_at is None and may("forget"):
        asked["forget"] = {
            "url": f"{at}/forget", "verb": "Forget for good",
            "title": f"Forget {customer.name} for good?",
            "text": "Name, contacts, birthday, note, addresses, tags and preferences go, here and"
            " in the trail. Bookings, orders, holdings, consents and figures stay, without a"
            " name. There is no way back.",
            "input": {
                "name": "sure", "label": "Write “forget” to go on",
                "attrs": {"required": True, "pattern": "[Ff]orget", "autocomplete": "off"},
            },
        }  # fmt: skip
    return asked


def banner(session: Session, customer: Customer, at: str) -> dict[str, Any] | None:
    """What there is to know about the file itself."""
    if customer.anonymised_at is not None:
        text = f"This customer was forgotten on {day(customer.anonymised_at)}: only figures stay."
        return {"tone": "info", "text": text}
    if customer.archived_at is not None:
        text = f"Archived on {day(customer.archived_at)}: no list shows this customer."
        if not may("delete"):
            return {"text": text}
        return {"text": text, "url": f"{at}/restore", "title": "Restore", "post": True}
    return merged_lately(session, customer) if may("merge") else None


def merged_lately(session: Session, customer: Customer) -> dict[str, Any] | None:
    """The way back from the latest merge, as long as there is one."""
    wanted = (
        select(CustomerMerge.id, CustomerMerge.at, CustomerMerge.merged_id)
        .where(
            CustomerMerge.vendor_id == customer.vendor_id,
            CustomerMerge.survivor_id == customer.id,
            CustomerMerge.undone_at.is_(None),
            CustomerMerge.at > clock.now() - UNDO_WITHIN,
        )
        .order_by(CustomerMerge.id.desc())
        .limit(1)
    )
    latest = session.execute(wanted).first()
    if latest is None:
        return None
    other = session.get(Customer, latest.merged_id)
    left = max(1, (latest.at + UNDO_WITHIN - clock.now()) // timedelta(days=1))
    name = other.name if other else "Another file"
    return {
        "tone": "info", "post": True, "title": "Undo the merge",
        "text": f"{name} was merged into this customer on {day(latest.at)};"
        f" it can be undone for {plural(left, 'day')}.",
        "url": f"{BASE}/merges/{latest.id}/undo",
    }  # fmt: skip


def same_person(session: Session, customer: Customer) -> dict[str, Any] | None:
    """Somebody who is very likely the same, with the way to compare the two."""
    likely = likely_duplicates(
        session, vendor_id=customer.vendor_id, full_name=customer.full_name,
        email=customer.email, phone=customer.phone, birthday=customer.birthday,
        except_id=customer.id,
    )  # fmt: skip
    if not likely or likely[0].score < SURE:
        return None
    other = likely[0]
    reach = phone(other.customer.phone) if other.customer.phone else other.customer.email
    known = " · ".join(p for p in (reach, plural(other.customer.visit_count, "visit")) if p)
    return {
        "icon": "users", "title": f"Is {other.customer.name} the same person?",
        "text": f"{', '.join(other.reasons).capitalize()}. {known}",
        "url": f"{BASE}/{customer.id}/merge?with={other.customer.id}",
    }  # fmt: skip


GROUPS = (
    ("Services", SERVICES),
    ("Products", (InterestKind.PRODUCT,)),
    ("Packages and memberships", (InterestKind.PACKAGE, InterestKind.MEMBERSHIP)),
)


def bought(known: Figures) -> list[dict[str, Any]]:
    """What they bought most, by group; groups of which they bought nothing are left out."""
    groups = [
        {"title": title, "rows": [_bought(i) for i in known.interests if i.kind in kinds]}
        for title, kinds in GROUPS
    ]
    return [group for group in groups if group["rows"]]


def _bought(item: Interest) -> dict[str, Any]:
    spent = money(item.spent) if item.spent else ""
    told = (item.category, f"{number(item.times)}×", spent, f"last {ago(item.last_at)}")
    return {"title": item.name, "text": " · ".join(part for part in told if part)}


REVENUE_HINT = (
    "Each kind after discounts, tax and what was given back for it."
    " A visit that no order sold counts with its price."
)


def revenue(known: Figures) -> dict[str, Any] | None:
    """What they brought by kind, and what makes it the sum that they spent; none without any."""
    of = known.revenue
    kinds = (
        ("Services", of.services), ("Products", of.products), ("Packages", of.packages),
        ("Memberships", of.memberships), ("Shipping, fees, tips", of.extras),
        ("Tax" if of.extras is not None else "Tax, shipping, fees, tips", of.rest),
    )  # fmt: skip
    rows = [(title, money(value)) for title, value in kinds if value]
    return {"rows": rows, "total": money(known.spent), "hint": REVENUE_HINT} if rows else None


def figures(known: Figures) -> list[dict[str, Any]]:
    """The six figures of the head."""
    value = f" · {money(known.order_value)} an order" if known.order_value is not None else ""
    bookings = known.visits + known.no_shows
    expected = customer_next.expected(known)
    return [
        {"label": "Spent", "value": money(known.spent), "note": f"{settings().currency}{value}"},
        {"label": "Visits", "value": number(known.visits),
         "note": f"every {plural(known.every_days, 'day')}" if known.every_days else ""},
        {"label": "Last visit", "value": ago(known.last_visit_at), "note": ""},
        {"label": "Next visit", "value": expected[0], "note": expected[1]} if expected else
        {"label": "Next visit", "value": day(known.next_visit_at, "none"),
         "note": f"{clock_time(known.next_visit_at)} · {known.next_visit}"
         if known.next_visit_at else ""},
        {"label": "Orders", "value": number(known.orders),
         "note": f"last {ago(known.last_order_at)}" if known.last_order_at else ""},
        {"label": "No-shows", "value": number(known.no_shows),
         "note": f"of {plural(bookings, 'booking')}" if known.no_shows else ""},
    ]  # fmt: skip


# --- the time line ---------------------------------------------------------------------------


def time_line(session: Session, request: Request, customer: Customer) -> dict[str, Any]:
    """The tabs, a page of items under their days, and the way to the earlier ones."""
    wanted = request.query_params.get("tab", "")
    tab = Tab(wanted) if wanted in set(Tab) else Tab.EVERYTHING
    cursor = request.query_params.get("earlier")
    here = {"vendor_id": customer.vendor_id, "customer_id": customer.id}
    page = timeline.page(session, **here, tab=tab, after=cursor)
    numbers = timeline.counts(session, **here, cap=CAP)
    path = f"{BASE}/details/{customer.id}"
    shown: dict[str, Any] = {
        "tabs": [
            {"name": name, "url": path if one is Tab.EVERYTHING else f"{path}?tab={one}",
             "active": one is tab, "count_text": _count(numbers.get(one))}
            for one, name in TABS
        ],
        "days": days(page.items),
        "nothing": NOTHING.get(tab),
    }  # fmt: skip
    if page.next:
        query = {"tab": str(tab), "earlier": page.next}
        shown["earlier_url"] = f"{path}?{urlencode(query)}"
    if cursor or page.next:
        shown["shown_text"] = f"{plural(len(page.items), 'entry', 'entries')} shown"
    return shown


def _count(found: int | None) -> str:
    if not found:
        return ""
    return f"{number(CAP)}+" if found >= CAP else number(found)


def days(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items under the heads of their days; what lies ahead comes first, together."""
    now = clock.now()

    def head_of(item: Item) -> str:
        return "Coming up" if item.at > now else day_head(item.at)

    return [
        {"title": title, "events": [event(i, ahead=title == "Coming up") for i in of_day]}
        for title, of_day in groupby(items, key=head_of)
    ]


def event(item: Item, *, ahead: bool) -> dict[str, Any]:
    """One item as `panel/timeline.html` draws it."""
    icon, screen, noun = LOOKS[item.kind]
    told = [item.detail, f"by {item.who}" if item.who else None]
    status = item.status if screen else None
    if item.kind == "consent":
        told.insert(0, f"said {item.status}" if item.status else None)
    return {
        "icon": icon, "title": item.title,
        "url": f"/admin/{screen}/details/{item.page_id or item.id}"
        if screen and may("details", screen) else None,
        "status": status, "status_kind": noun,
        "amount": money(item.amount) if item.amount is not None else None,
        "meta": " · ".join(word(t) if t in ("import", "merge") else t for t in told if t),
        "at": moment(item.at) if ahead else clock_time(item.at),
        "changes": [(c.label, c.old, c.new) for c in told_changes(item)],
    }  # fmt: skip


def told_changes(item: Item) -> Sequence[Change]:
    """What was changed; what a new record held at first is not repeated."""
    return item.changes if any(change.old is not None for change in item.changes) else ()
