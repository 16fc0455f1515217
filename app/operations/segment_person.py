"""What a segment can ask of the person: status, tags, where somebody lives, birthdays."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, extract, func, literal, or_, select

from app.operations.conditions import is_any
from app.operations.segment_came import SINCE, last
from app.operations.segment_parts import (
    HAS,
    PERSON,
    Field,
    Names,
    Options,
    days_said,
    listed,
    when_part,
)
from app.operations.segment_scope import Leaf, Scope
from app.operations.segment_terms import Kind, Part, Span, Term, When
from models.customers import Address, Customer, CustomerStatus
from models.tags import CustomerTag
from models.words import Channel

BIRTHDAY: Options = ((Span.NEXT.value, "in the next days"), (Span.MONTH.value, "in the month"))
STATUSES: Options = tuple((s.value, s.value.replace("_", " ")) for s in CustomerStatus)
CHANNELS: Options = tuple((c.value, c.value.replace("_", "-")) for c in Channel)
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _word(name: str, title: str, icon: str, column: Any, options: Options, verb: str) -> Field:
    part = Part("words", title, Kind.WORDS, options)

    def said(term: Term, _: Names) -> str:
        return f"{verb} {listed([dict(options)[w] for w in term.values['words']])}"

    return Field(
        name, title, PERSON, icon, (part,),
        lambda term, _: Leaf(test=is_any(column, term.values["words"])), said,
        number=lambda *_: column, unit="word",
    )  # fmt: skip


def _at(name: str, title: str, part: Part, where: Callable[[Term], Any], verb: str) -> Field:
    """Something about one of the addresses."""

    def leaf(term: Term, scope: Scope) -> Leaf:
        own = scope.mine(Address.vendor_id, Address.customer_id)
        return Leaf(ids=select(Address.customer_id).where(*own, where(term)))

    def said(term: Term, names: Names) -> str:
        return f"{verb} {listed([names(part.lookup, t) for t in term.values['texts']])}"

    return Field(name, title, PERSON, "map-pin", (part,), leaf, said)


def _begins(term: Term) -> Any:
    """Postal codes are compared without blanks and in capitals, as they are asked for."""
    code = func.upper(func.replace(Address.postal_code, " ", ""))
    return or_(*(code.startswith(text, autoescape=True) for text in term.values["texts"]))


def _tagged(term: Term, scope: Scope) -> Leaf:
    found = select(CustomerTag.customer_id).where(
        *scope.mine(CustomerTag.vendor_id, CustomerTag.customer_id),
        is_any(CustomerTag.tag_id, scope.tags.get(term.path, ())),
    )
    return Leaf(ids=found, negated=term.values["has"] == "has_not")


def _tagged_said(term: Term, _: Names) -> str:
    named = listed([f"“{tag}”" for tag in term.values["texts"]])
    return f"is {'not ' if term.values['has'] == 'has_not' else ''}tagged {named}"


def _birthday(term: Term, scope: Scope) -> Leaf:
    month, day = extract("month", Customer.birthday), extract("day", Customer.birthday)
    when: When = term.values["when"]
    if when.span is Span.MONTH:
        return Leaf(test=month == when.month)
    meant = [month * 100 + day == literal(n) for n in _dates(scope.today, when.days)]
    return Leaf(test=and_(Customer.birthday.is_not(None), or_(*meant)))


def _dates(today: date, days: int) -> list[int]:
    """The days of a year from today on, as 1231; 29 February is the 28th in other years."""
    found = []
    for ahead in range(days + 1):
        day = today + timedelta(days=ahead)
        found.append(day.month * 100 + day.day)
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            found.append(229)
    return found


def _birthday_said(term: Term, _: Names) -> str:
    when: When = term.values["when"]
    if when.span is Span.MONTH:
        return f"has a birthday in {MONTHS[when.month - 1]}"
    return f"has a birthday in the next {days_said(when.days)}"


FIELDS = (
    _word("status", "Status", "circle-dot", Customer.status, STATUSES, "is"),
    _word("channel", "Channel", "world", Customer.channel, CHANNELS, "came by"),
    last("created", "Customer since", "user-plus", Customer.created_at,
          ("new", "a customer for more than {days}", "new", ""), SINCE, PERSON),
    Field("tag", "Tag", PERSON, "tag",
          (Part("has", "Has", Kind.CHOICE, HAS, usual="has"),
           Part("texts", "Tags", Kind.TEXTS, lookup="tag")), _tagged, _tagged_said),
    _at("city", "City", Part("texts", "Cities", Kind.TEXTS, lookup="city"),
        lambda term: is_any(Address.city_key, term.values["texts"]), "lives in"),
    _at("postal_code", "Postal code", Part("texts", "Begins with", Kind.TEXTS, lookup="postal"),
        _begins, "lives at a postal code that begins with"),
    _at("country", "Country", Part("texts", "Two letters", Kind.TEXTS, lookup="country"),
        lambda term: is_any(Address.country, term.values["texts"]), "lives in"),
    Field("birthday", "Birthday", PERSON, "cake", (when_part(BIRTHDAY),), _birthday, _birthday_said,
          number=lambda *_: Customer.birthday, unit="day"),
)  # fmt: skip
