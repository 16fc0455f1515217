"""What a segment can ask of the scores: groups, quintiles, and what is expected of a customer."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.operations import segment_sources as sources
from app.operations.conditions import is_any
from app.operations.segment_parts import (
    MORE_OR_LESS,
    OPS,
    SCORES,
    Field,
    Names,
    Options,
    listed,
    op_part,
)
from app.operations.segment_scope import Leaf, Scope
from app.operations.segment_terms import Kind, Op, Part, Term
from models.scores import RFM_NAMES, CustomerScore

GROUPS: Options = tuple((value, name.lower()) for value, name in RFM_NAMES.items())
QUINTILES: Options = (("r", "recency"), ("f", "frequency"), ("m", "money"))


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

    parts = (op_part(MORE_OR_LESS), part)
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


FIELDS = (
    Field("group", "Group by recency, frequency, money", SCORES, "chart-dots",
          (Part("words", "Groups", Kind.WORDS, GROUPS),), _in_group, _in_group_said),
    Field("score", "Recency, frequency or money", SCORES, "number-5-small",
          (Part("of", "Which", Kind.CHOICE, QUINTILES, usual="r"), op_part(),
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
)  # fmt: skip
