"""Points on screen: what customers have, the lots it came in, its ledger, and what staff does."""

from itertools import groupby, islice
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Named, OneOf, Related, VendorDays, of_vendor
from admin_views.forms import Pick, Text, Whole, read_whole
from admin_views.lists import Col, Sort
from admin_views.loaders import Records, customer_ids, who_did
from admin_views.lookups import CUSTOMERS
from admin_views.loyalty import ALL_PROGRAMS, PROGRAMS
from admin_views.of_customers import OfCustomer, OfCustomersView
from admin_views.rendering import day, moment, money, number, plural
from admin_views.saving import Command
from app import clock
from app.errors import DomainError
from app.operations import loyalty, tiers
from app.operations.loyalty import Standing
from models.loyalty import MOST_POINTS, LoyaltyTier
from models.points import EntryKind, LoyaltyAccount, LoyaltyEntry, TierWhy

TIERS = Records(LoyaltyTier, (LoyaltyTier.name,), loads=(joinedload(LoyaltyTier.program),))
KINDS = {
    EntryKind.EARN: "Earned", EntryKind.PENDING_EARN: "Earned, waits",
    EntryKind.MATURE: "Can be spent now", EntryKind.HOLD: "Held for a draft",
    EntryKind.RELEASE: "Let go", EntryKind.REDEEM: "Redeemed", EntryKind.REVERSE: "Given back",
    EntryKind.REPAY: "Repaid", EntryKind.EXPIRE: "Expired", EntryKind.ADJUST: "By hand",
    EntryKind.REINSTATE: "Reinstated", EntryKind.TRANSFER: "Two files made one",
}  # fmt: skip
WHY = {
    TierWhy.REACHED: "reached", TierWhy.LAPSED: "run out", TierWhy.GIVEN_BACK: "given back",
}  # fmt: skip
WRITTEN_BY = "It is written as things happen; nothing in it is ever changed."


class NotWhole(DomainError):
    sentence = "{said}"


def _whole(text: str, name: str, high: int = MOST_POINTS) -> int:
    try:
        return read_whole(text, 1, high)
    except ValueError as error:
        raise NotWhole(said=str(error), field=name) from None


def _hand(verb: Any, name: str) -> Any:
    def run(session: Session, number: int, points: str = "", reason: str = "") -> None:
        account = session.get_one(LoyaltyAccount, number)
        verb(
            session, customer_id=account.customer_id, program_id=account.program_id,
            reason=reason, **{name: _whole(points, "points")},
        )  # fmt: skip

    return run


def _reinstate(session: Session, number: int, days: str = "", reason: str = "") -> None:
    entry = session.get_one(LoyaltyEntry, number)
    loyalty.reinstate(
        session, lot_id=entry.lot_id or 0, reason=reason, days=_whole(days, "days", 3650)
    )


def signed(points: int) -> str:
    """+20 or −20, with the minus that figures have; nothing where nothing moved."""
    if not points:
        return ""
    return f"+{number(points)}" if points > 0 else f"−{number(-points)}"


def to_go(standing: Standing) -> str:
    """40.00 more to Silver; or what the highest tier is."""
    way = standing.way
    if way.next is None:
        return f"{way.tier.name}, the highest" if way.tier else "no tiers"
    return f"{money(way.to_go)} more to {way.next.name}"


def held_by(account: LoyaltyAccount) -> str | None:
    """The tier, as long as it is sure."""
    until = account.tier_until
    return account.tier.name if account.tier and until and until > clock.now() else None


class AccountView(OfCustomersView, model=LoyaltyAccount):
    """What customers have in a programme."""

    name, name_plural, icon = "Points", "Points", "ti ti-coins"
    category, noun = "Sales", "customer with points"
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda a: a.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("program", "Programme", value=lambda a: a.program.name),
        Col("points", "Points", "number", numeric=True),
        Col("pending", "Waiting", "number", numeric=True),
        Col("tier", "Tier", value=held_by),
        Col("tier_until", "Sure until", "day", optional=True),
        Col("created_at", "Since", "day"),
    )
    sorts = declared(newest=Sort(LoyaltyAccount.id, descending=True))
    filters = (
        of_vendor(LoyaltyAccount.vendor_id),
        Related(
            "program", "Programme", LoyaltyAccount.program_id, icon="award", lookup=ALL_PROGRAMS
        ),
        Related("tier", "Tier", LoyaltyAccount.tier_id, icon="stairs", lookup=TIERS),
        Named(
            "tiers",
            "Tiers",
            icon="stairs",
            open=False,
            conditions=(
                ("some", "With a tier", lambda: LoyaltyAccount.tier_id.is_not(None)),
                ("none", "Without one", lambda: LoyaltyAccount.tier_id.is_(None)),
            ),
        ),
        OfCustomer("customer", "Customer", LoyaltyAccount, open=False),
    )
    loads = (
        joinedload(LoyaltyAccount.customer), joinedload(LoyaltyAccount.program),
        joinedload(LoyaltyAccount.tier),
    )  # fmt: skip
    details = (
        (
            "Points",
            (
                Col("customer", "Customer", value=lambda a: link_to("customer", a.customer)),
                Col("program", "Programme", value=lambda a: link_to("loyalty-program", a.program)),
                Col("tier", "Tier", value=held_by),
                Col("tier_until", "Sure until", "day"),
                Col("created_at", "Since", "day"),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        program=Pick("Programme", PROGRAMS, wanted=True),
        points_given=Whole("Points", low=1, high=MOST_POINTS, wanted=True),
        reason=Text(
            "Why", wanted=True, longest=loyalty.LONGEST_REASON, hint="It stands in the book"
        ),
    )  # fmt: skip
    creates_with = staticmethod(loyalty.give)
    commands = (
        Command(
            "give", "Give points", _hand(loyalty.give, "points_given"), lambda _: True,
            "The points are given.", icon="plus", action="adjust",
            ask=("Give points?", "They can be spent at once, and expire as all others."),
            inputs=(("points", "How many"), ("reason", "Why")), wholes=("points",),
        ),
        Command(
            "take", "Take points", _hand(loyalty.take, "points_taken"), lambda _: True,
            "The points are taken.", icon="minus", danger=True, action="adjust",
            ask=("Take points away?", "The next to expire go first; never more than there are."),
            inputs=(("points", "How many"), ("reason", "Why")), wholes=("points",),
        ),
    )  # fmt: skip
    empty = declared(
        icon="coins", title="Nobody has points yet",
        text="They come with the first sale to a known customer, once a programme is running.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Points of Ana Alves."""
        return f"Points of {record.customer.name}"

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What can be spent and until when, the way to the next tier, and the history."""
        standing = next(
            one for one in loyalty.standings(session, customer_id=record.customer_id)
            if one.account.id == record.id
        )  # fmt: skip
        way = standing.way
        return {
            "figures": [
                {"label": "To spend", "value": number(standing.points)},
                {"label": "Waiting", "value": number(standing.pending)},
                {"label": "Spent in the window", "value": money(way.spend)},
                {"label": "Next tier", "value": to_go(standing)},
            ],
            "lines": {
                "title": "History",
                "columns": [("When", False), ("What", False), ("Points", True),
                            ("Waiting", True), ("For", False), ("By", False)],
                "rows": history(session, record),
            },
            "related": [lots(standing), _tiers(session, record)],
        }  # fmt: skip

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """None: the ledger tells it."""
        return []


def history(session: Session, account: LoyaltyAccount, most: int = 50) -> list[list[Any]]:
    """What became of an account lately, as rows: when, what, how many, what for, by whom.

    What was taken of several lots at once is one row, and what was held and then redeemed is said
    once; the ledger has each entry.
    """
    found = loyalty.history(session, account, most=4 * most)
    people = who_did(session, found)
    redeemed = {one.redemption_id for one in found if one.kind == EntryKind.REDEEM}
    told = [
        one for one in found
        if one.kind not in (EntryKind.HOLD, EntryKind.RELEASE) or one.redemption_id not in redeemed
    ]  # fmt: skip
    together = (list(some) for _, some in groupby(told, key=_at_once))
    return [
        [moment(some[0].at), link_to("loyalty-entry", some[0], KINDS[EntryKind(some[0].kind)]),
         signed(sum(one.points for one in some)), signed(sum(one.pending for one in some)),
         why(some[0]), people.get(some[0].user_id, "")]
        for some in islice(together, most)
    ]  # fmt: skip


def _at_once(one: LoyaltyEntry) -> tuple[Any, ...]:
    return one.kind, one.at, one.order_id, one.redemption_id, one.reason


def why(entry: LoyaltyEntry) -> Any:
    """What an entry is about: an order, or the reason that was given."""
    if entry.order is not None:
        return link_to("order", entry.order)
    return entry.reason or ""


def lots(standing: Standing) -> dict[str, Any]:
    """What can be spent, in the order in which it will be, and what waits."""
    rows = [
        {"title": plural(lot.remaining, "point"),
         "sub": f"until {day(lot.expires_at)}" if lot.expires_at else "never expire"}
        for lot in standing.lots[:20]
    ]  # fmt: skip
    rows += [
        {"title": plural(lot.pending, "point"),
         "sub": f"wait until {day(lot.matures_at)}" if lot.matures_at else "wait"}
        for lot in standing.waiting[:20]
    ]  # fmt: skip
    return {"title": "Lots", "rows": rows, "empty": "nothing to spend"}


def _tiers(session: Session, account: LoyaltyAccount) -> dict[str, Any]:
    rows = [
        {"title": change.tier.name if change.tier else "No tier",
         "sub": f"{day(change.at)} · {WHY[TierWhy(change.why)]}", "amount": money(change.spend)}
        for change in tiers.changes(session, account)
    ]  # fmt: skip
    return {"title": "Tiers so far", "rows": rows, "empty": "none yet"}


def _whose(entry: LoyaltyEntry) -> Any:
    return link_to("customer", entry.account.customer)


class EntryView(HouseView, model=LoyaltyEntry):
    """The ledger of points: read, never written here."""

    name, name_plural, icon = "Entry of points", "Ledger of points", "ti ti-notebook"
    category, hint, noun = "Sales", WRITTEN_BY, "entry"
    can_create = can_edit = can_delete = False
    columns = (
        Col("kind", "What", value=lambda e: KINDS[EntryKind(e.kind)]),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("customer", "Customer", value=_whose),
        Col("points", "Points", numeric=True, value=lambda e: signed(e.points)),
        Col("pending", "Waiting", numeric=True, value=lambda e: signed(e.pending)),
        Col("why", "For", value=why),
        Col("at", "When", "moment"),
    )
    sorts = declared(newest=Sort(LoyaltyEntry.id, descending=True))
    search_hint = "Search customer"
    filters = (
        of_vendor(LoyaltyEntry.vendor_id),
        OneOf("kind", "What", LoyaltyEntry.kind, icon="category",
              words=tuple((k.value, w) for k, w in KINDS.items())),
        VendorDays("at", "When", LoyaltyEntry.at, vendor=LoyaltyEntry.vendor_id),
    )  # fmt: skip
    loads = (
        joinedload(LoyaltyEntry.account).joinedload(LoyaltyAccount.customer),
        joinedload(LoyaltyEntry.order),
    )
    details_loads = (
        joinedload(LoyaltyEntry.account).joinedload(LoyaltyAccount.customer),
        joinedload(LoyaltyEntry.account).joinedload(LoyaltyAccount.program),
        joinedload(LoyaltyEntry.order), joinedload(LoyaltyEntry.lot),
    )  # fmt: skip
    details = (
        (
            "Entry",
            (
                Col("customer", "Customer", value=_whose),
                Col("program", "Programme", value=lambda e: e.account.program.name),
                Col("points", "Points", value=lambda e: signed(e.points) or "0"),
                Col("pending", "Waiting", value=lambda e: signed(e.pending)),
                Col("spend", "Counts as spent", "money"),
                Col("order", "Order", value=lambda e: link_to("order", e.order)),
                Col("reason", "Why"),
                Col("at", "When", "moment"),
            ),
        ),
    )  # fmt: skip
    hides_empty = ("pending", "order", "reason")
    commands = (
        Command(
            "reinstate", "Reinstate", _reinstate,
            lambda entry: entry.kind == EntryKind.EXPIRE,
            "The points are there again.", icon="arrow-back-up", primary=True, action="use",
            ask=("Give back what has expired?", "The points can be spent for so many days more."),
            inputs=(("days", "For how many days"), ("reason", "Why")), wholes=("days",),
        ),
    )  # fmt: skip
    empty = declared(
        icon="notebook", title="Nothing in the ledger yet",
        text="Its first entry comes with the first points.",
    )  # fmt: skip

    def title_of(self, record: Any) -> str:
        """Earned by Ana Alves."""
        return f"{KINDS[EntryKind(record.kind)]}: {record.account.customer.name}"

    def search_where(self, session: Session, rows: Select[Any], term: str) -> Select[Any]:
        """By customer."""
        ids = customer_ids(session, term)
        accounts = select(LoyaltyAccount.id).where(LoyaltyAccount.customer_id.in_(ids))
        return rows.where(LoyaltyEntry.account_id.in_(accounts))

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Why there are so many, and the way to the whole account."""
        steps = record.lot.steps if record.lot else None
        lines = {
            "title": "Why so many", "columns": [("Why", False), ("Points", True)],
            "rows": [[one["why"], one["points"]] for one in steps or []],
        }  # fmt: skip
        url = f"/admin/loyalty-account/details/{record.account_id}"
        return {
            "links": [{"title": "All points of this customer", "url": url, "icon": "coins"}],
            **({"lines": lines} if steps and record.points + record.pending > 0 else {}),
        }

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """None: it never changes."""
        return []


VIEWS = [AccountView, EntryView]
