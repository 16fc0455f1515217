"""What is to be expected of a customer and what to offer them, in words, with the reason."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from admin_views.customer_side import may
from admin_views.rendering import day, money, number, plural
from admin_views.writing import local_day
from app import clock
from models.customers import Customer
from models.scores import RfmSegment
from models.words import InterestKind
from reports.customer_figures import Figures, Outlook
from reports.suggestions import Again, Beside, Suggestion, suggestions

SEGMENTS = {
    RfmSegment.CHAMPIONS: "Champion: buys often, lately, and for much",
    RfmSegment.LOYAL: "Loyal: buys often",
    RfmSegment.POTENTIAL: "May become loyal: bought lately, and more than once",
    RfmSegment.NEW: "New: bought lately for the first time",
    RfmSegment.PROMISING: "Promising: bought not long ago, and little so far",
    RfmSegment.ATTENTION: "Needs attention: has bought well, and is slowing down",
    RfmSegment.SLEEPY: "About to sleep: seldom seen, and not lately",
    RfmSegment.AT_RISK: "At risk: bought often, but not for a while",
    RfmSegment.CANT_LOSE: "Not to be lost: was one of the best, and stays away",
    RfmSegment.HIBERNATING: "Hibernating: bought little, long ago",
    RfmSegment.LOST: "Lost: bought once or twice, very long ago",
}
CHANCES = (
    (Decimal("0.9"), "very likely"), (Decimal("0.65"), "likely"), (Decimal("0.35"), "uncertain"),
    (Decimal("0.1"), "unlikely"), (Decimal(-1), "very unlikely"),
)  # fmt: skip
"""From which chance on something is called so."""
MODELLED = "Worked out every night from how often, how lately and for how much they and others buy"


def percent(share: Decimal) -> str:
    """Of 1, as people say it: 42 %; neither never nor always unless it is."""
    whole = round(share * 100)
    if whole == 0 and share > 0:
        return "under 1 %"
    if whole == 100 and share < 1:
        return "over 99 %"
    return f"{number(whole)} %"


def likely(chance: Decimal) -> str:
    """Likely, 72 %."""
    words = next(words for least, words in CHANCES if chance >= least)
    return f"{words}, {percent(chance)}"


def every(days: int) -> str:
    """Every day, every 30 days."""
    return "every day" if days == 1 else f"every {plural(days, 'day')}"


def expected(known: Figures) -> tuple[str, str] | None:
    """The day of the next visit that nobody booked yet, and how it is known; None if it is not."""
    if known.next_visit_at is not None or known.outlook.next_on is None:
        return None
    rhythm = every(known.outlook.every_days or 1)
    on = known.outlook.next_on
    if on >= local_day(clock.now()):
        return f"about {day(on)}", f"not booked · {rhythm}"
    return "none", f"was due {day(on)} · {rhythm}"


def card(known: Figures) -> dict[str, Any] | None:
    """What is to be expected; none of who never bought."""
    outlook = known.outlook
    rows = [
        ("Group", SEGMENTS[RfmSegment(outlook.segment)] if outlook.segment else None),
        ("Return", likely(outlook.chance) if outlook.chance is not None else None),
        ("Next visit", _next(outlook)),
        ("Worth", f"about {money(outlook.worth)} each time" if outlook.worth else None),
        ("In a year", _year(outlook)),
    ]
    told = [(label, text) for label, text in rows if text]
    return {"rows": told, "hint": _as_of(known)} if told else None


def _next(outlook: Outlook) -> str | None:
    if outlook.next_on is None:
        return None
    today = local_day(clock.now())
    if outlook.next_on >= today:
        return f"about {day(outlook.next_on)}"
    return f"was due {day(outlook.next_on)}, {plural((today - outlook.next_on).days, 'day')} ago"


def _year(outlook: Outlook) -> str | None:
    """About 5 purchases, 310.00 together."""
    if outlook.purchases is None or outlook.value is None:
        return None
    times = round(outlook.purchases)
    if times == 0:
        return f"hardly a purchase, {money(outlook.value)}"
    return f"about {plural(times, 'purchase')}, {money(outlook.value)}"


def _as_of(known: Figures) -> str | None:
    if known.outlook.as_of is None:
        return None
    last = max((at for at in (known.last_visit_at, known.last_order_at) if at), default=None)
    said = f"{MODELLED}; as of {day(known.outlook.as_of)}"
    if last is not None and local_day(last) > known.outlook.as_of:
        return f"{said}, and what came after it tonight."
    return f"{said}."


# --- what to offer ------------------------------------------------------------------------------


def offers(session: Session, customer: Customer) -> dict[str, Any]:
    """The next best step, if something is due, and what else they are likely to want."""
    found = suggestions(session, customer=customer, now=clock.now())
    rows = [_offer(one, customer) for one in found]
    step = _step(found[0], rows[0]) if found else None
    return {"next_step": step, "offers": rows[1:] if step else rows}


def _step(first: Suggestion, row: dict[str, Any]) -> dict[str, Any] | None:
    """The first one, if today is the day to talk of it."""
    if not isinstance(first.why, Again) or first.why.next_on > local_day(clock.now()):
        return None
    return {**row, "title": f"{first.name}: due again"}


def _offer(one: Suggestion, customer: Customer) -> dict[str, Any]:
    return {
        "title": one.name, "text": reason(one), "action": action(one, customer),
        "icon": "repeat" if isinstance(one.why, Again) else "bulb",
    }  # fmt: skip


def reason(one: Suggestion) -> str:
    """Why it is offered, in a sentence."""
    return _again(one.why) if isinstance(one.why, Again) else _beside(one.why)


def _again(why: Again) -> str:
    passed = why.next_on < local_day(clock.now())
    if why.lasts:
        lasts = f"What they bought on {day(why.last_on)} lasts {plural(why.every_days, 'day')}"
        return f"{lasts}: used up {'since' if passed else 'on'} {day(why.next_on)}."
    rhythm = f"{every(why.every_days).capitalize()}, last on {day(why.last_on)}"
    return f"{rhythm}: {'was due on' if passed else 'due on'} {day(why.next_on)}."


def _beside(why: Beside) -> str:
    return (
        f"{percent(why.share)} of customers with {why.name} have it too,"
        f" of all customers {percent(why.usual)}."
    )


ON_AN_ORDER = {
    InterestKind.PRODUCT: "product", InterestKind.PACKAGE: "package",
    InterestKind.MEMBERSHIP: "membership",
}  # fmt: skip


def action(one: Suggestion, customer: Customer) -> dict[str, str] | None:
    """The way to give it to them, for who may."""
    if one.kind is InterestKind.CLASS:
        if not may("list", "class-session"):
            return None
        url = f"/admin/class-session/list?service={one.item_id}"
        return {"title": "See classes", "url": url}
    if one.kind in ON_AN_ORDER:
        item = one.variant_id if one.kind is InterestKind.PRODUCT else one.item_id
        url = f"/admin/order/create?customer={customer.id}&item={ON_AN_ORDER[one.kind]}:{item}"
        return {"title": "Add to order", "url": url} if may("create", "order") else None
    url = f"/admin/booking/create?customer={customer.id}&service={one.item_id}"
    return {"title": "Book", "url": url} if may("create", "booking") else None
