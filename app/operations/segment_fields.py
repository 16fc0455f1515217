"""What a segment can ask of a customer: each field with its parts, its rule and its words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, extract, func, literal, or_, select

from app.operations import segment_sources as sources
from app.operations.conditions import RUNNING, is_any
from app.operations.segment_scope import Leaf, Scope, between
from app.operations.segment_terms import Kind, Op, Part, Span, Term, When
from models.bookings import Booking, BookingStatus
from models.customers import (
    Address,
    Consent,
    ConsentChannel,
    ConsentPurpose,
    Customer,
    CustomerStatus,
)
from models.memberships import Membership
from models.packages import HoldingStatus, PackageHolding
from models.points import LoyaltyAccount
from models.scores import CustomerScore, RfmSegment
from models.services import ServiceKind
from models.tags import CustomerTag
from models.words import Channel

Names = Callable[[str, Any], str]
"""What an id is called: `names("service", 3)`."""
Options = tuple[tuple[str, str], ...]

BOUGHT, CAME, MONEY, SCORES, PERSON, KEEPS, ASKED = (
    "Bought", "Came", "Money", "Scores", "Person", "Loyalty and memberships",
    "Consent and segments",
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One thing that can be asked. `leaf` says whom it leaves, `said` says it in words.

    `rows` are numbers of customers that it adds up, `number` one that a customer's file has: with
    either it can be said how much it is for one customer, in `unit`.
    """

    name: str
    title: str
    group: str
    icon: str
    parts: tuple[Part, ...]
    leaf: Callable[[Term, Scope], Leaf]
    said: Callable[[Term, Names], str]
    rows: Callable[[Term, Scope], sources.Rows] | None = None
    number: Callable[[Term, Scope], Any] | None = None
    unit: str = ""
    admins: bool = True
    """Whether it can be asked over all vendors."""


# --- parts and words ---------------------------------------------------------------------------

OPS: Options = (
    (Op.AT_LEAST.value, "at least"), (Op.AT_MOST.value, "at most"), (Op.EXACTLY.value, "exactly"),
)  # fmt: skip
MORE_OR_LESS = OPS[:2]
EVER: Options = (
    (Span.EVER.value, "ever"), (Span.LAST.value, "in the last days"),
    (Span.BETWEEN.value, "between two days"),
)  # fmt: skip
SINCE: Options = (
    (Span.LAST.value, "in the last days"), (Span.NOT_SINCE.value, "not for days"),
    (Span.BETWEEN.value, "between two days"),
)  # fmt: skip
OR_NEVER: Options = (*SINCE, (Span.NEVER.value, "never"))
BIRTHDAY: Options = ((Span.NEXT.value, "in the next days"), (Span.MONTH.value, "in the month"))

STATUSES: Options = tuple((s.value, s.value.replace("_", " ")) for s in CustomerStatus)
CHANNELS: Options = tuple((c.value, c.value.replace("_", "-")) for c in Channel)
KINDS: Options = tuple((k.value, k.value.replace("_", " ")) for k in ServiceKind)
WAYS: Options = tuple((c.value, {"sms": "SMS", "email": "e-mail"}.get(c.value, c.value))
                      for c in ConsentChannel)  # fmt: skip
PURPOSES: Options = tuple((p.value, {"transactional": "what has to be known",
                                     "reminder": "reminders", "marketing": "offers"}[p.value])
                          for p in ConsentPurpose)  # fmt: skip
SAID: Options = (
    ("granted", "agreed"), ("refused", "refused"), ("unasked", "has not said anything"),
)  # fmt: skip
HELD: Options = (("holds", "holds now"), ("held", "holds or held"), ("never", "never held"))
HAS: Options = (("has", "has"), ("has_not", "does not have"))
IN: Options = (("in", "is in"), ("not_in", "is not in"))
SPENT_ON: Options = (("all", "everything"), ("services", "services"), ("products", "products"))
GROUPS: Options = tuple((g.value, g.value.replace("_", " ")) for g in RfmSegment)
QUINTILES: Options = (("r", "recency"), ("f", "frequency"), ("m", "money"))
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _op(options: Options = OPS) -> Part:
    return Part("op", "How much", Kind.CHOICE, options, usual=Op.AT_LEAST.value)


def _times(title: str = "Times", usual: int = 1) -> Part:
    return Part("times", title, Kind.WHOLE, high=Decimal(100_000), usual=usual)


def _when(options: Options = EVER) -> Part:
    usual: dict[str, Any] = {"is": options[0][0]}
    if options[0][0] in (Span.LAST, Span.NEXT):
        usual["days"] = 30
    return Part("when", "When", Kind.WHEN, options, usual=usual)


def _ids(title: str, lookup: str, *, optional: bool = False) -> Part:
    return Part("ids", title, Kind.IDS, lookup=lookup, optional=optional)


def listed(words: Sequence[str]) -> str:
    """Hair colour, Haircut or Beard trim."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def number_of(amount: Decimal | int) -> str:
    """1,240 and 46.10."""
    return f"{amount:,}"


def _day(day: date | None) -> str:
    return "" if day is None else f"{day.day} {day:%B} {day.year}"


def _days(number: int) -> str:
    return f"{number:,} day" if number == 1 else f"{number:,} days"


def when_said(when: When | None) -> str:
    """The time, as the end of a sentence, with the blank before it."""
    if when is None or when.span is Span.EVER:
        return ""
    if when.span is Span.LAST:
        return f" in the last {_days(when.days)}"
    if when.span is Span.BETWEEN:
        return f" from {_day(when.first)} to {_day(when.last)}"
    return ""


def often(op: str, times: int) -> str:
    """At least twice, at most 3 times; the least there can be goes without saying."""
    word = {1: "once", 2: "twice"}.get(times, f"{times:,} times")
    if op == Op.AT_LEAST:
        return "" if times <= 1 else f" at least {word}"
    return f" {dict(OPS)[op]} {word}"


def _is_never(term: Term) -> bool:
    op, times = term.values["op"], term.values["times"]
    return bool(times == 0 and op in (Op.AT_MOST, Op.EXACTLY))


# --- bought ------------------------------------------------------------------------------------


def _had(verb: str, lookup: str, things: Callable[[Term, Names], str] | None = None) -> Any:
    def said(term: Term, names: Names) -> str:
        named = (
            things(term, names) if things
            else listed([names(lookup, one) for one in term.values["ids"]])
        )  # fmt: skip
        when = when_said(term.values.get("when"))
        if _is_never(term):
            return f"{'did not buy' if when else 'never bought'} {named}{when}"
        return f"{verb} {named}{often(term.values['op'], term.values['times'])}{when}"

    return said


def _adds_up(rows: Callable[[Term, Scope], sources.Rows]) -> Callable[[Term, Scope], Leaf]:
    def leaf(term: Term, scope: Scope) -> Leaf:
        return sources.compared(rows(term, scope), term.values["op"], term.values["times"])

    return leaf


def _bought(
    name: str, title: str, icon: str, what: Part, rows: Callable[[Term, Scope], sources.Rows],
    said: Any,
) -> Field:  # fmt: skip
    parts = (what, _op(), _times(), _when())
    return Field(name, title, BOUGHT, icon, parts, _adds_up(rows), said, rows=rows, unit="times")


def _by_ids(source: Any) -> Callable[[Term, Scope], sources.Rows]:
    return lambda term, scope: source(scope, term.values.get("when"), term.values["ids"])


def _by_branches(source: Any) -> Callable[[Term, Scope], sources.Rows]:
    return lambda term, scope: source(
        scope, term.values.get("when"), scope.categories.get(term.path, ())
    )


def _of_kinds(term: Term, scope: Scope) -> sources.Rows:
    return sources.service_kinds(scope, term.values.get("when"), term.values["kinds"])


def _kinds_said(term: Term, _: Names) -> str:
    return f"a service of kind {listed([dict(KINDS)[k] for k in term.values['kinds']])}"


def _branches_said(what: str, lookup: str) -> Callable[[Term, Names], str]:
    def said(term: Term, names: Names) -> str:
        return f"{what} in {listed([names(lookup, one) for one in term.values['ids']])}"

    return said


# --- numbers -----------------------------------------------------------------------------------


def _compare(value: Any, op: str, wanted: Any) -> Leaf:
    asked = {Op.AT_LEAST: value >= wanted, Op.AT_MOST: value <= wanted, Op.EXACTLY: value == wanted}
    return Leaf(test=asked[Op(op)])


def _own(column: Any, scope: Scope) -> Select[Any]:
    """A running number of each customer."""
    own: Select[Any] = select(Customer.id.label("customer_id"), column.label("number"))
    return own.where(*scope.home())


def _counted(
    name: str, title: str, icon: str, column: Any, source: Any, verb: str, never: str
) -> Field:
    """How often something was done: the running number, or in a span of time."""

    def rows(term: Term, scope: Scope) -> sources.Rows:
        when = term.values.get("when")
        if sources.is_timeless(when):
            return [_own(column, scope)]
        found: sources.Rows = source(scope, when)
        return found

    def leaf(term: Term, scope: Scope) -> Leaf:
        op, times = term.values["op"], term.values["times"]
        if sources.is_timeless(term.values.get("when")):
            return _compare(column, op, times)
        return sources.compared(rows(term, scope), op, times)

    def said(term: Term, _: Names) -> str:
        when = when_said(term.values.get("when"))
        if _is_never(term):
            return f"{never}{when}"
        return f"{verb}{often(term.values['op'], term.values['times'])}{when}"

    parts = (_op(), _times(), _when())
    return Field(name, title, CAME, icon, parts, leaf, said, rows=rows, unit="times")


def _spent_rows(term: Term, scope: Scope) -> sources.Rows:
    when, what = term.values.get("when"), term.values["what"]
    if sources.is_timeless(when):
        return [_own(sources.MONEY[what], scope)]
    return sources.money(scope, when, what)


def _spent(term: Term, scope: Scope) -> Leaf:
    op, amount = term.values["op"], term.values["amount"]
    if sources.is_timeless(term.values.get("when")):
        return _compare(sources.MONEY[term.values["what"]], op, amount)
    return sources.compared(_spent_rows(term, scope), op, amount)


def _spent_said(term: Term, _: Names) -> str:
    what = "" if term.values["what"] == "all" else f" on {term.values['what']}"
    much = f"{dict(OPS)[term.values['op']]} {term.values['amount']:,.2f}"
    return f"spent {much}{what}{when_said(term.values.get('when'))}"


def _compares(column: Any, part: str) -> Callable[[Term, Scope], Leaf]:
    return lambda term, _: _compare(column, term.values["op"], term.values[part])


def _missed_share(_: Term, __: Scope) -> Any:
    asked = func.nullif(Customer.visit_count + Customer.no_show_count, 0)
    return func.round(Customer.no_show_count * 100.0 / asked, 1)


def _missed(term: Term, _: Scope) -> Leaf:
    """Without a booking that was kept or missed there is no rate: it is then not so."""
    both = Customer.visit_count + Customer.no_show_count
    at = Customer.no_show_count * 100, term.values["percent"] * both
    more = term.values["op"] == Op.AT_LEAST
    return Leaf(test=and_(both > 0, at[0] >= at[1] if more else at[0] <= at[1]))


# --- when last ---------------------------------------------------------------------------------


def _last(
    name: str, title: str, icon: str, column: Any, words: tuple[str, str, str, str],
    options: Options = OR_NEVER, group: str = CAME,
) -> Field:  # fmt: skip
    """A moment of the customer's file: in a span, before it, or never."""
    within, since, span, never = words

    def leaf(term: Term, scope: Scope) -> Leaf:
        when: When = term.values["when"]
        if when.span is Span.NEVER:
            return Leaf(test=column.is_(None))
        first, before = scope.within(when)
        if when.span is Span.NOT_SINCE:
            return Leaf(test=or_(column.is_(None), column < first))
        return Leaf(test=between(column, first, before))

    def said(term: Term, _: Names) -> str:
        when: When = term.values["when"]
        if when.span is Span.NEVER:
            return never
        if when.span is Span.NOT_SINCE:
            return since.format(days=_days(when.days))
        return (span if when.span is Span.BETWEEN else within) + when_said(when)

    return Field(
        name, title, group, icon, (_when(options),), leaf, said, number=lambda *_: column,
        unit="moment",
    )  # fmt: skip


# --- the person --------------------------------------------------------------------------------


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
    return f"has a birthday in the next {_days(when.days)}"


# --- scores ------------------------------------------------------------------------------------


def _scored(scope: Scope, holds: Any) -> Leaf:
    """Of those whose scores are known, for whom it holds."""
    own = scope.mine(CustomerScore.vendor_id, CustomerScore.customer_id)
    return Leaf(ids=select(CustomerScore.customer_id).where(*own, holds))


def _score(
    name: str, title: str, icon: str, column: Any, part: Part, words: str, *, by: int = 1
) -> Field:
    """A number of the scores; `by` makes what is typed of what is kept."""

    def rows(_: Term, scope: Scope) -> sources.Rows:
        own = scope.mine(CustomerScore.vendor_id, CustomerScore.customer_id)
        query: Any = select(CustomerScore.customer_id, (column * by).label("number"))
        return [query.where(*own)]

    def leaf(term: Term, scope: Scope) -> Leaf:
        wanted = term.values[part.name] / by
        return _scored(scope, column >= wanted if _is_least(term) else column <= wanted)

    def said(term: Term, _: Names) -> str:
        return words.format(much=f"{dict(OPS)[term.values['op']]} {term.values[part.name]:,f}")

    parts = (_op(MORE_OR_LESS), part)
    unit = "percent" if by == 100 else "number"
    return Field(name, title, SCORES, icon, parts, leaf, said, rows=rows, unit=unit)


def _is_least(term: Term) -> bool:
    return bool(term.values["op"] == Op.AT_LEAST)


def _quintile(term: Term, scope: Scope) -> Leaf:
    column = getattr(CustomerScore, term.values["of"])
    wanted = term.values["times"]
    asked = {Op.AT_LEAST: column >= wanted, Op.AT_MOST: column <= wanted}
    return _scored(scope, asked.get(Op(term.values["op"]), column == wanted))


def _quintile_said(term: Term, _: Names) -> str:
    of, op = dict(QUINTILES)[term.values["of"]], dict(OPS)[term.values["op"]]
    return f"has {of} {op} {term.values['times']} of 5"


def _quintile_rows(term: Term, scope: Scope) -> sources.Rows:
    own = scope.mine(CustomerScore.vendor_id, CustomerScore.customer_id)
    number = getattr(CustomerScore, term.values["of"]).label("number")
    return [select(CustomerScore.customer_id.label("customer_id"), number).where(*own)]


def _in_group(term: Term, scope: Scope) -> Leaf:
    return _scored(scope, is_any(CustomerScore.segment, term.values["words"]))


def _in_group_said(term: Term, _: Names) -> str:
    return f"is in the group {listed([dict(GROUPS)[w] for w in term.values['words']])}"


# --- loyalty, memberships, packages ------------------------------------------------------------


def _points(_: Term, scope: Scope) -> sources.Rows:
    own = scope.mine(LoyaltyAccount.vendor_id, LoyaltyAccount.customer_id)
    number = LoyaltyAccount.points.label("number")
    rows: Any = select(LoyaltyAccount.customer_id.label("customer_id"), number)
    return [rows.where(*own)]


def _points_said(term: Term, _: Names) -> str:
    return f"has {dict(OPS)[term.values['op']]} {number_of(term.values['times'])} points"


def _tier(term: Term, scope: Scope) -> Leaf:
    own = scope.mine(LoyaltyAccount.vendor_id, LoyaltyAccount.customer_id)
    in_tier = is_any(LoyaltyAccount.tier_id, term.values["ids"])
    return Leaf(ids=select(LoyaltyAccount.customer_id).where(*own, in_tier))


def _holds(model: Any, key: Any, running: Any, noun: str, lookup: str) -> Any:
    """Of packages and plans: held now, ever, or never; named ones, or any."""

    def leaf(term: Term, scope: Scope) -> Leaf:
        how, ids = term.values["held"], term.values.get("ids")
        found = select(model.customer_id).where(*scope.mine(model.vendor_id, model.customer_id))
        found = found if ids is None else found.where(is_any(key, ids))
        return Leaf(ids=found.where(running) if how == "holds" else found, negated=how == "never")

    def said(term: Term, names: Names) -> str:
        ids = term.values.get("ids")
        named = f"any {noun}" if ids is None else listed([names(lookup, one) for one in ids])
        verb = {"holds": "holds", "held": "holds or held", "never": "never held"}
        return f"{verb[term.values['held']]} {named}"

    return leaf, said


_PACKAGE = _holds(
    PackageHolding, PackageHolding.package_id, PackageHolding.status == HoldingStatus.ACTIVE,
    "package", "package",
)  # fmt: skip
_PLAN = _holds(
    Membership, Membership.plan_id, is_any(Membership.status, [s.value for s in RUNNING]),
    "membership", "plan",
)  # fmt: skip


# --- consent, bookings to come, segments -------------------------------------------------------


def _consents(term: Term, scope: Scope) -> Leaf:
    """Who decided so last about a channel and a purpose, or never has."""
    said = term.values["said"]
    decided = select(Consent.customer_id).where(
        *scope.mine(Consent.vendor_id, Consent.customer_id),
        Consent.channel == term.values["channel"], Consent.purpose == term.values["purpose"],
    )  # fmt: skip
    if said == "unasked":
        return Leaf(ids=decided, negated=True)
    last, agreed = func.max(Consent.id), func.max(Consent.id).filter(Consent.granted)
    is_so = agreed == last if said == "granted" else agreed.is_distinct_from(last)
    return Leaf(ids=decided.group_by(Consent.customer_id).having(is_so))


def _consents_said(term: Term, _: Names) -> str:
    values = term.values
    about = f"{dict(PURPOSES)[values['purpose']]} by {dict(WAYS)[values['channel']]}"
    verb = {"granted": "agreed to", "refused": "refused", "unasked": "has not said anything about"}
    return f"{verb[values['said']]} {about}"


def _booked(term: Term, scope: Scope) -> Leaf:
    ahead = select(Booking.customer_id).where(
        *scope.mine(Booking.vendor_id, Booking.customer_id), Booking.starts_at > scope.at,
        Booking.status.in_([BookingStatus.PENDING, BookingStatus.CONFIRMED]),
        Booking.held_until.is_(None),
    )  # fmt: skip
    return Leaf(ids=ahead, negated=term.values["has"] == "has_not")


def _booked_said(term: Term, _: Names) -> str:
    return f"has {'no' if term.values['has'] == 'has_not' else 'a'} booking to come"


def _segment_said(term: Term, names: Names) -> str:
    named = listed([f"“{names('segment', one)}”" for one in term.values["ids"]])
    return f"{dict(IN)[term.values['in']]} the segment {named}"


def _never_called(_: Term, __: Scope) -> Leaf:
    raise AssertionError("segments in segments are worked out by segment_sql")


_LISTED = (
    _bought("bought_service", "A service", "cut", _ids("Services", "service"),
            _by_ids(sources.services), _had("bought", "service")),
    _bought("bought_service_category", "A service in a category", "category",
            _ids("Categories", "service_category"), _by_branches(sources.service_categories),
            _had("bought", "", _branches_said("a service", "service_category"))),
    _bought("bought_service_kind", "A kind of service", "calendar-event",
            Part("kinds", "Kinds", Kind.WORDS, KINDS), _of_kinds, _had("bought", "", _kinds_said)),
    _bought("bought_product", "A product", "package", _ids("Products", "product"),
            _by_ids(sources.products), _had("bought", "product")),
    _bought("bought_product_category", "A product in a category", "category-2",
            _ids("Categories", "product_category"), _by_branches(sources.product_categories),
            _had("bought", "", _branches_said("a product", "product_category"))),
    _bought("bought_package", "A package", "ticket", _ids("Packages", "package"),
            _by_ids(sources.packages), _had("bought", "package")),
    _bought("bought_plan", "A membership", "id-badge-2", _ids("Plans", "plan"),
            _by_ids(sources.plans), _had("bought", "plan")),
    _last("last_visit", "Last visit", "calendar", Customer.last_visit_at,
          ("visited", "not visited for {days}", "last visited", "never visited")),
    _counted("visits", "Visits", "walk", Customer.visit_count, sources.visits, "visited",
             "did not visit"),
    _last("last_order", "Last order", "receipt", Customer.last_order_at,
          ("ordered", "no order for {days}", "last ordered", "never ordered")),
    _counted("orders", "Orders", "shopping-cart", Customer.order_count, sources.orders, "ordered",
             "did not order"),
    Field("booked_ahead", "A booking to come", CAME, "calendar-time",
          (Part("has", "Booking to come", Kind.CHOICE, HAS, usual="has"),), _booked, _booked_said),
    Field("no_shows", "Missed bookings", CAME, "user-x",
          (_op(), _times()), _compares(Customer.no_show_count, "times"),
          lambda term, _: f"missed bookings{often(term.values['op'], term.values['times'])}",
          number=lambda *_: Customer.no_show_count, unit="times"),
    Field("no_show_rate", "Share of missed bookings", CAME, "percentage",
          (_op(MORE_OR_LESS), Part("percent", "Percent", Kind.AMOUNT, high=Decimal(100),
                                   decimals=1, usual="20")), _missed,
          lambda term, _: f"missed {dict(OPS)[term.values['op']]}"
          f" {term.values['percent'].normalize():f} % of their bookings",
          number=_missed_share, unit="percent"),
    Field("spent", "Money spent", MONEY, "coins",
          (_op(MORE_OR_LESS), Part("amount", "Amount", Kind.AMOUNT, decimals=2, usual="100"),
           Part("what", "On", Kind.CHOICE, SPENT_ON, usual="all"), _when()),
          _spent, _spent_said, rows=_spent_rows, unit="money"),
    Field("group", "Group by recency, frequency, money", SCORES, "chart-dots",
          (Part("words", "Groups", Kind.WORDS, GROUPS),), _in_group, _in_group_said),
    Field("score", "Recency, frequency or money", SCORES, "number-5-small",
          (Part("of", "Which", Kind.CHOICE, QUINTILES, usual="r"), _op(),
           Part("times", "Of 5", Kind.WHOLE, low=Decimal(1), high=Decimal(5), usual=4)),
          _quintile, _quintile_said, rows=_quintile_rows, unit="number"),
    _score("p_alive", "Chance of coming back", "heartbeat", CustomerScore.p_alive,
           Part("percent", "Percent", Kind.AMOUNT, high=Decimal(100), decimals=1, usual="50"),
           "comes back with a chance of {much} %", by=100),
    _score("expected_12m", "Purchases expected in a year", "crystal-ball",
           CustomerScore.expected_12m,
           Part("number", "Purchases", Kind.AMOUNT, high=Decimal(10_000), decimals=1, usual="1"),
           "is expected to buy {much} times in a year"),
    _score("value_12m", "Value expected in a year", "diamond", CustomerScore.value_12m,
           Part("amount", "Amount", Kind.AMOUNT, decimals=2, usual="100"),
           "is expected to bring {much} in a year"),
    _word("status", "Status", "circle-dot", Customer.status, STATUSES, "is"),
    _word("channel", "Channel", "world", Customer.channel, CHANNELS, "came by"),
    _last("created", "Customer since", "user-plus", Customer.created_at,
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
    Field("birthday", "Birthday", PERSON, "cake", (_when(BIRTHDAY),), _birthday, _birthday_said,
          number=lambda *_: Customer.birthday, unit="day"),
    Field("points", "Points", KEEPS, "star",
          (_op(), Part("times", "Points", Kind.WHOLE, high=Decimal(10**12), usual=100)),
          _adds_up(_points), _points_said, rows=_points, unit="points"),
    Field("tier", "Tier", KEEPS, "medal", (_ids("Tiers", "tier"),), _tier,
          lambda term, names: f"is in the tier"
          f" {listed([names('tier', one) for one in term.values['ids']])}"),
    Field("membership", "Membership", KEEPS, "id-badge-2",
          (Part("held", "Membership", Kind.CHOICE, HELD, usual="holds"),
           _ids("Which (any)", "plan", optional=True)), *_PLAN),
    Field("package", "Package", KEEPS, "ticket",
          (Part("held", "Package", Kind.CHOICE, HELD, usual="holds"),
           _ids("Which (any)", "package", optional=True)), *_PACKAGE),
    Field("consent", "Consent", ASKED, "shield-check",
          (Part("said", "Said", Kind.CHOICE, SAID, usual="granted"),
           Part("purpose", "To", Kind.CHOICE, PURPOSES, usual="marketing"),
           Part("channel", "By", Kind.CHOICE, WAYS, usual="email")), _consents, _consents_said),
    Field("segment", "Another segment", ASKED, "chart-pie",
          (Part("in", "Is", Kind.CHOICE, IN, usual="in"), _ids("Segments", "segment")),
          _never_called, _segment_said),
)  # fmt: skip

FIELDS: Mapping[str, Field] = {one.name: one for one in _LISTED}
PARTS: Mapping[str, Sequence[Part]] = {one.name: one.parts for one in _LISTED}
