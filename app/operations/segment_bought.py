"""What a segment can ask of what customers bought: services, products, packages, memberships."""

from collections.abc import Callable
from typing import Any

from app.operations import segment_sources as sources
from app.operations.segment_parts import (
    BOUGHT,
    Field,
    Names,
    Options,
    ids_part,
    is_never,
    listed,
    often,
    op_part,
    times_part,
    when_part,
    when_said,
)
from app.operations.segment_scope import Leaf, Scope
from app.operations.segment_terms import Kind, Part, Term
from models.services import ServiceKind

KINDS: Options = tuple((k.value, k.value.replace("_", " ")) for k in ServiceKind)


def _had(verb: str, lookup: str, things: Callable[[Term, Names], str] | None = None) -> Any:
    def said(term: Term, names: Names) -> str:
        named = (
            things(term, names) if things
            else listed([names(lookup, one) for one in term.values["ids"]])
        )  # fmt: skip
        when = when_said(term.values.get("when"))
        if is_never(term):
            return f"{'did not buy' if when else 'never bought'} {named}{when}"
        return f"{verb} {named}{often(term.values['op'], term.values['times'])}{when}"

    return said


def adds_up(rows: Callable[[Term, Scope], sources.Rows]) -> Callable[[Term, Scope], Leaf]:
    """Of rows with a number: for whom they come to as much as is asked for."""

    def leaf(term: Term, scope: Scope) -> Leaf:
        return sources.compared(rows(term, scope), term.values["op"], term.values["times"])

    return leaf


def _bought(
    name: str, title: str, icon: str, what: Part, rows: Callable[[Term, Scope], sources.Rows],
    said: Any,
) -> Field:  # fmt: skip
    parts = (what, op_part(), times_part(), when_part())
    return Field(name, title, BOUGHT, icon, parts, adds_up(rows), said, rows=rows, unit="times")


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


FIELDS = (
    _bought("bought_service", "A service", "cut", ids_part("Services", "service"),
            _by_ids(sources.services), _had("bought", "service")),
    _bought("bought_service_category", "A service in a category", "category",
            ids_part("Categories", "service_category"), _by_branches(sources.service_categories),
            _had("bought", "", _branches_said("a service", "service_category"))),
    _bought("bought_service_kind", "A kind of service", "calendar-event",
            Part("kinds", "Kinds", Kind.WORDS, KINDS), _of_kinds, _had("bought", "", _kinds_said)),
    _bought("bought_product", "A product", "package", ids_part("Products", "product"),
            _by_ids(sources.products), _had("bought", "product")),
    _bought("bought_product_category", "A product in a category", "category-2",
            ids_part("Categories", "product_category"), _by_branches(sources.product_categories),
            _had("bought", "", _branches_said("a product", "product_category"))),
    _bought("bought_package", "A package", "ticket", ids_part("Packages", "package"),
            _by_ids(sources.packages), _had("bought", "package")),
    _bought("bought_plan", "A membership", "id-badge-2", ids_part("Plans", "plan"),
            _by_ids(sources.plans), _had("bought", "plan")),
)  # fmt: skip
