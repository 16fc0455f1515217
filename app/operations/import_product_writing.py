"""Judged rows of a list of products become products, variants and their opening stock."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from app.contact import fold
from app.operations import import_chunks, import_products, opening
from app.operations.import_chunks import Verdict
from app.operations.import_products import NEAR, Plan
from models.base import Base
from models.imports import ImportJob, ImportRow, Outcome, StagedRow
from models.products import Product, Variant

_LONGEST_CODE = 40
_NOT_IN_CODES = re.compile(r"[^a-z0-9]+")


def write(session: Session, job: ImportJob, verdicts: Sequence[Verdict]) -> None:
    """Make and change what these rows say; each row notes what it needs to be undone."""
    new = [v for v in verdicts if v.outcome == Outcome.CREATED]
    if new:
        _give_codes(session, job, new)
        _make_products(session, job, new)
        _make_variants(session, job, new)
        _stock_up(session, new)
    _change(session, [v for v in verdicts if v.outcome == Outcome.UPDATED])


# --- new ---------------------------------------------------------------------------------


def _give_codes(session: Session, job: ImportJob, verdicts: Sequence[Verdict]) -> None:
    """A variant without a SKU gets one from its name, with a number where that is taken."""
    bare = [v.plan for v in verdicts if not v.plan.variant["sku"]]
    if not bare:
        return
    stems = {_stem(plan) for plan in bare}
    taken = _taken(session, job, stems) | {v.plan.variant["sku"] for v in verdicts}
    for plan in bare:
        code = next(c for c in _codes(_stem(plan)) if c not in taken)
        plan.variant["sku"] = code
        taken.add(code)


def _stem(plan: Plan) -> str:
    words = f"{plan.said.get('name', '')} {import_products.option_of(plan.said)}"
    code = _NOT_IN_CODES.sub("-", fold(words)).strip("-")[:_LONGEST_CODE].strip("-")
    return code.upper() or "PRODUCT"


def _codes(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def _taken(session: Session, job: ImportJob, stems: set[str]) -> set[str]:
    """Codes that begin so already; a stem in use is asked for with all its numbers."""
    own = (Variant.vendor_id == job.vendor_id,)
    plain = set(session.scalars(select(Variant.sku).where(*own, Variant.sku.in_(stems))))
    for stem in plain.copy():
        begun = Variant.sku.startswith(f"{stem}-", autoescape=True)
        plain |= set(session.scalars(select(Variant.sku).where(*own, begun)))
    return plain


def _make_products(session: Session, job: ImportJob, verdicts: Sequence[Verdict]) -> None:
    """One product for the rows that belong together, unless it is there already."""
    known = _of_earlier_rows(session, job, verdicts)
    firsts: dict[Any, Verdict] = {}
    for verdict in verdicts:
        key = verdict.row.name_key or verdict.row.position
        if verdict.plan.product_id is None and key not in known:
            firsts.setdefault(key, verdict)
    if firsts:
        rows = [{"vendor_id": job.vendor_id, **v.plan.product} for v in firsts.values()]
        made = _insert(session, Product, rows)
        known |= {key: (number, True) for key, number in zip(firsts, made, strict=True)}
    for verdict in verdicts:
        plan = verdict.plan
        key = verdict.row.name_key or verdict.row.position
        number, is_new = known.get(key, (plan.product_id, False))
        plan.product_id = number if plan.product_id is None else plan.product_id
        verdict.after["new_product"] = is_new and plan.product_id == number


def _of_earlier_rows(
    session: Session, job: ImportJob, verdicts: Sequence[Verdict]
) -> dict[Any, tuple[int, bool]]:
    """The products of rows that stand shortly before and belong together with one of these."""
    keys = {v.row.name_key for v in verdicts if v.row.leader is not None}
    if not keys:
        return {}
    first = verdicts[0].row.position
    leaders = {v.row.leader for v in verdicts if v.row.leader}
    near = StagedRow.position.between(first - NEAR, first - 1) | StagedRow.position.in_(leaders)
    product, is_new = ImportRow.after["product_id"], ImportRow.after["new_product"]
    found = session.execute(
        select(StagedRow.name_key, product, is_new)
        .join(
            ImportRow,
            (ImportRow.vendor_id == StagedRow.vendor_id)
            & (ImportRow.job_id == StagedRow.job_id)
            & (ImportRow.position == StagedRow.position),
        )
        .where(StagedRow.vendor_id == job.vendor_id, StagedRow.job_id == job.id, near)
        .where(StagedRow.name_key.in_(keys), ImportRow.after.has_key("product_id"))
        .order_by(StagedRow.position)
    )
    return {key: (int(number), bool(new)) for key, number, new in found}


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> list[int]:
    """Insert in this order; the ids in the same."""
    made = insert(model).returning(model.id, sort_by_parameter_order=True)
    return list(session.scalars(made, rows))


def _make_variants(session: Session, job: ImportJob, verdicts: Sequence[Verdict]) -> None:
    rows = [
        {"vendor_id": job.vendor_id, "product_id": v.plan.product_id, **v.plan.variant}
        for v in verdicts
    ]
    for verdict, number in zip(verdicts, _insert(session, Variant, rows), strict=True):
        product_id = verdict.plan.product_id
        verdict.after |= {
            "product_id": product_id, "variant_id": number,
            "page": f"product/details/{product_id}",
        }  # fmt: skip
        verdict.said["sku"] = verdict.plan.variant["sku"]


def _stock_up(session: Session, verdicts: Sequence[Verdict]) -> None:
    counted = {
        v.after["variant_id"]: v.plan.said["on_hand"]
        for v in verdicts
        if v.plan.said.get("on_hand") and v.plan.variant["tracks_stock"]
    }
    moves = opening.receive(session, counted=counted)
    for verdict in verdicts:
        if (move := moves.get(verdict.after["variant_id"])) is not None:
            verdict.after["move"] = move


# --- changed -----------------------------------------------------------------------------


def _change(session: Session, verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        found, plan = verdict.plan.known, verdict.plan
        verdict.before = {
            kind: {name: _plain(getattr(found, name)) for name in values}
            for kind, values in (("variant", plan.variant), ("product", plan.product))
        }
        verdict.after |= {
            "product_id": found.product_id, "variant_id": found.id,
            "variant": {n: _plain(v) for n, v in plan.variant.items()},
            "product": {n: _plain(v) for n, v in plan.product.items()},
        }  # fmt: skip
    update_rows(session, Variant, [(v.plan.known.id, v.plan.variant) for v in verdicts])
    update_rows(session, Product, [(v.plan.known.product_id, v.plan.product) for v in verdicts])


def _plain(value: Any) -> Any:
    """As it stands in JSON."""
    return value if value is None or isinstance(value, int | str | bool) else str(value)


def update_rows(
    session: Session,
    model: type[Base],
    changes: Sequence[tuple[int, dict[str, Any]]],
    *,
    touch: bool = True,
) -> None:
    """Write these values into rows of a table, those with the same columns together.

    Without `touch` it does not count as somebody's change.
    """
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for number, values in sorted(changes, key=lambda change: change[0]):
        if values:
            row = {f"new_{name}": value for name, value in values.items()}
            alike.setdefault(tuple(sorted(values)), []).append({"number": number, **row})
    table: Any = model.__table__
    for names, same in alike.items():
        written: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        written["updated_at"] = func.now() if touch else table.c.updated_at
        statement = update(table).where(table.c.id == bindparam("number"))
        session.connection().execute(statement.values(**written), same)


def commit_chunk(session: Session, *, job_id: int, size: int = import_chunks.CHUNK) -> bool:
    """Import the next rows; False when all are imported."""
    return import_chunks.commit_chunk(
        session, job_id=job_id, judge=import_products.judge, write=write, size=size
    )
