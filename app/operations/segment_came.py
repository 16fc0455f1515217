"""What a segment can ask of when and how often customers came, and of what they spent."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from app.operations import segment_sources as sources
from app.operations.segment_parts import (
    CAME,
    HAS,
    MONEY,
    MORE_OR_LESS,
    OPS,
    Field,
    Names,
    Options,
    days_said,
    is_never,
    often,
    op_part,
    times_part,
    when_part,
    when_said,
)
from app.operations.segment_scope import Leaf, Scope, between
from app.operations.segment_terms import Kind, Op, Part, Span, Term, When
from models.bookings import Booking, BookingStatus
from models.customers import Customer

SINCE: Options = (
    (Span.LAST.value, "in the last days"), (Span.NOT_SINCE.value, "not for days"),
    (Span.BETWEEN.value, "between two days"),
)  # fmt: skip
OR_NEVER: Options = (*SINCE, (Span.NEVER.value, "never"))
SPENT_ON: Options = (("all", "everything"), ("services", "services"), ("products", "products"))


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
        if is_never(term):
            return f"{never}{when}"
        return f"{verb}{often(term.values['op'], term.values['times'])}{when}"

    parts = (op_part(), times_part(), when_part())
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


def last(
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
            return since.format(days=days_said(when.days))
        return (span if when.span is Span.BETWEEN else within) + when_said(when)

    return Field(
        name, title, group, icon, (when_part(options),), leaf, said, number=lambda *_: column,
        unit="moment",
    )  # fmt: skip


# --- to come -----------------------------------------------------------------------------------


def _booked(term: Term, scope: Scope) -> Leaf:
    ahead = select(Booking.customer_id).where(
        *scope.mine(Booking.vendor_id, Booking.customer_id), Booking.starts_at > scope.at,
        Booking.status.in_([BookingStatus.PENDING, BookingStatus.CONFIRMED]),
        Booking.held_until.is_(None),
    )  # fmt: skip
    return Leaf(ids=ahead, negated=term.values["has"] == "has_not")


def _booked_said(term: Term, _: Names) -> str:
    return f"has {'no' if term.values['has'] == 'has_not' else 'a'} booking to come"


FIELDS = (
    last("last_visit", "Last visit", "calendar", Customer.last_visit_at,
          ("visited", "not visited for {days}", "last visited", "never visited")),
    _counted("visits", "Visits", "walk", Customer.visit_count, sources.visits, "visited",
             "did not visit"),
    last("last_order", "Last order", "receipt", Customer.last_order_at,
          ("ordered", "no order for {days}", "last ordered", "never ordered")),
    _counted("orders", "Orders", "shopping-cart", Customer.order_count, sources.orders, "ordered",
             "did not order"),
    Field("booked_ahead", "A booking to come", CAME, "calendar-time",
          (Part("has", "Booking to come", Kind.CHOICE, HAS, usual="has"),), _booked, _booked_said),
    Field("no_shows", "Missed bookings", CAME, "user-x",
          (op_part(), times_part()), _compares(Customer.no_show_count, "times"),
          lambda term, _: f"missed bookings{often(term.values['op'], term.values['times'])}",
          number=lambda *_: Customer.no_show_count, unit="times"),
    Field("no_show_rate", "Share of missed bookings", CAME, "percentage",
          (op_part(MORE_OR_LESS), Part("percent", "Percent", Kind.AMOUNT, high=Decimal(100),
                                       decimals=1, usual="20")), _missed,
          lambda term, _: f"missed {dict(OPS)[term.values['op']]}"
          f" {term.values['percent'].normalize():f} % of their bookings",
          number=_missed_share, unit="percent"),
    Field("spent", "Money spent", MONEY, "coins",
          (op_part(MORE_OR_LESS), Part("amount", "Amount", Kind.AMOUNT, decimals=2, usual="100"),
           Part("what", "On", Kind.CHOICE, SPENT_ON, usual="all"), when_part()),
          _spent, _spent_said, rows=_spent_rows, unit="money"),
)  # fmt: skip
