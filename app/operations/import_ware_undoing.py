"""An import of products is taken back: what it made goes, what it changed is as before.

What was sold, used, moved or changed since stays, and the row says so. What has stood in the
ledger of the stock cannot go: its stock is taken out again, and it is archived under another SKU.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, literal, select, text, update
from sqlalchemy.orm import Session

from app.operations import opening
from app.operations.import_chunks import referring
from app.operations.import_product_writing import update_rows
from app.operations.import_undoing import KEPT_CHANGED, KEPT_IN_USE
from models.imports import ImportJob, ImportRow, Outcome
from models.products import Product, ProductPicture, ProductStatus, Variant
from models.stock import StockMove

ARCHIVED = "archived"
"""Code of rows that are undone, but whose variant stays in the archive for its ledger."""
Told = Row[*tuple[Any, ...]]
"""A row of the report, with what it wrote and what stood there before."""
_OWN = frozenset({"variants", "stock_moves"})


@dataclass(slots=True)
class _Made:
    """A row that made a variant."""

    position: int
    after: dict[str, Any]
    kept: str | None = None

    @property
    def variant_id(self) -> int:
        """The variant it made."""
        return int(self.after["variant_id"])


def take_back(session: Session, *, job_id: int, after: int, until: int) -> None:
    """Take back the rows of these positions."""
    job = session.get_one(ImportJob, job_id)
    rows = session.execute(
        select(ImportRow.position, ImportRow.outcome, ImportRow.before, ImportRow.after)
        .where(ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job_id)
        .where(ImportRow.position > after, ImportRow.position <= until)
        .where(ImportRow.outcome.in_((Outcome.CREATED, Outcome.UPDATED)))
        .where(ImportRow.undone.is_(False), ImportRow.after.has_key("variant_id"))
        .order_by(ImportRow.position)
    ).all()
    made = [_Made(r.position, r.after) for r in rows if r.outcome == Outcome.CREATED]
    ends = _drop(session, job, made)
    ends |= _restore(session, job, [r for r in rows if r.outcome == Outcome.UPDATED])
    settle(session, job, ends)


def settle(session: Session, job: ImportJob, ends: dict[int, str | None]) -> None:
    """Write down how each row ended: undone, or kept, with the code that says why."""
    if not ends:
        return
    undone = [p for p, code in ends.items() if code is None]
    by_code: dict[str, list[int]] = {}
    for position, code in ends.items():
        if code is not None:
            by_code.setdefault(code, []).append(position)
    of_job = (ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id)
    steps: list[tuple[list[int], dict[str, Any]]] = [(undone, {"undone": True})]
    steps += [(p, {"code": code, "undone": code == ARCHIVED}) for code, p in by_code.items()]
    for positions, values in steps:
        if positions:
            statement = update(ImportRow).where(*of_job, ImportRow.position.in_(positions))
            session.execute(
                statement.values(values), execution_options={"synchronize_session": False}
            )


# --- what was made -----------------------------------------------------------------------


def _drop(session: Session, job: ImportJob, made: Sequence[_Made]) -> dict[int, str | None]:
    if not made:
        return {}
    ids = sorted({m.variant_id for m in made})
    shelves = opening.hold(session, ids)
    changed = _changed_since(session, ids)
    used = _used(session, "variants", ids) | _moved_since(session, made)
    for one in made:
        if one.variant_id not in shelves:
            one.kept = None  # somebody removed it: there is nothing left to take back
        elif one.variant_id in used:
            one.kept = KEPT_IN_USE
        elif one.variant_id in changed:
            one.kept = KEPT_CHANGED
    _take_stock_back(session, [m for m in made if m.kept is None and m.after.get("move")], shelves)
    going = [m for m in made if m.kept is None]
    _delete_variants(session, [m for m in going if not m.after.get("move")])
    _archive_variants(session, job, [m for m in going if m.after.get("move")])
    _clear_products(session, made)
    return {
        m.position: ARCHIVED if m.kept is None and m.after.get("move") else m.kept for m in made
    }


def _changed_since(session: Session, ids: Sequence[int]) -> set[int]:
    """Variants that were touched since they were made, or whose product was."""
    pictured = select(ProductPicture.id).where(
        ProductPicture.vendor_id == Product.vendor_id, ProductPicture.product_id == Product.id,
        ProductPicture.created_at > Variant.created_at,
    )  # fmt: skip
    touched = (
        select(Variant.id)
        .join(Variant.product)
        .where(Variant.id.in_(ids))
        .where(
            (Variant.updated_at > Variant.created_at)
            | (Product.updated_at > func.greatest(Product.created_at, Variant.created_at))
            | pictured.exists()
        )
    )
    return set(session.scalars(touched))


def _used(session: Session, table: str, ids: Sequence[int]) -> set[int]:
    """Which of these rows something else refers to: an order's line, a service, a return, ..."""
    found: set[int] = set()
    for name, column, _ in referring(table, but=_OWN):
        query = text(
            f"SELECT DISTINCT x.{column} FROM {name} x"
            " WHERE x.vendor_id = (SELECT current_setting('app.vendor_id')::bigint)"
            f" AND x.{column} = ANY (:ids)"
        )
        found |= set(session.scalars(query, {"ids": list(ids)}))
    return found


def _moved_since(session: Session, made: Sequence[_Made]) -> set[int]:
    """Variants with moves that are not the opening ones of this import."""
    ours = [int(m.after["move"]) for m in made if m.after.get("move")]
    others = select(StockMove.variant_id).where(
        StockMove.variant_id.in_([m.variant_id for m in made]), StockMove.id.not_in(ours)
    )
    return set(session.scalars(others.distinct()))


def _take_stock_back(
    session: Session, made: Sequence[_Made], shelves: dict[int, opening.Shelf]
) -> None:
    opening.take_back(session, moved={m.variant_id: shelves[m.variant_id].on_hand for m in made})


def _delete_variants(session: Session, made: Sequence[_Made]) -> None:
    if made:
        ids = [m.variant_id for m in made]
        session.execute(
            delete(Variant).where(Variant.id.in_(ids)),
            execution_options={"synchronize_session": False},
        )


def _archive_variants(session: Session, job: ImportJob, made: Sequence[_Made]) -> None:
    """Its SKU and barcode are free again: the list may come once more."""
    if made:
        mark = literal(f" (undone {job.id})")
        values = {"sku": Variant.sku + mark, "barcode": None, "is_active": False}
        statement = update(Variant).where(Variant.id.in_([m.variant_id for m in made]))
        session.execute(statement.values(values), execution_options={"synchronize_session": False})


def _clear_products(session: Session, made: Sequence[_Made]) -> None:
    """Products of this import without a variant go; those with none that is sold are archived."""
    ids = sorted({int(m.after["product_id"]) for m in made if m.after.get("new_product")})
    if not ids:
        return
    sold = select(Variant.product_id).where(Variant.product_id.in_(ids))
    left = set(session.scalars(sold.distinct()))
    active = set(session.scalars(sold.where(Variant.is_active).distinct()))
    empty = [number for number in ids if number not in left]
    used = _used(session, "products", empty)
    empty = [number for number in empty if number not in used]
    quiet = {"synchronize_session": False}
    if empty:
        session.execute(delete(Product).where(Product.id.in_(empty)), execution_options=quiet)
    if ended := sorted(left - active):
        archive = update(Product).where(Product.id.in_(ended))
        session.execute(
            # nobody's change: the next chunk asks whether somebody touched the product
            archive.values(status=ProductStatus.ARCHIVED.value, updated_at=Product.updated_at),
            execution_options=quiet,
        )


# --- what was changed --------------------------------------------------------------------


def _restore(
    session: Session, job: ImportJob, rows: Sequence[Row[*tuple[Any, ...]]]
) -> dict[int, str | None]:
    """What was there before, where still stands what the import wrote."""
    ends: dict[int, str | None] = {}
    back: dict[str, list[tuple[int, dict[str, Any]]]] = {"variant": [], "product": []}
    now = {
        kind: _now(session, model, (int(r.after[f"{kind}_id"]) for r in rows))
        for kind, model in (("variant", Variant), ("product", Product))
    }
    for row in rows:
        stands = all(
            _stands(now[kind].get(int(row.after[f"{kind}_id"])), row.after.get(kind) or {})
            for kind in back
        )
        ends[row.position] = None if stands else KEPT_CHANGED
        if stands:
            for kind, changes in back.items():
                changes.append((int(row.after[f"{kind}_id"]), (row.before or {}).get(kind) or {}))
    update_rows(session, Variant, back["variant"])
    update_rows(session, Product, back["product"], touch=False)
    return ends


def _now(session: Session, model: Any, ids: Iterable[int]) -> dict[int, Any]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    table = model.__table__
    query = select(table).where(table.c.id.in_(wanted)).order_by(table.c.id).with_for_update()
    return {row.id: row for row in session.execute(query)}


def _stands(row: Any, written: dict[str, Any]) -> bool:
    """Whether a row has still what the import wrote into it."""
    if row is None:
        return False
    return all(_same(getattr(row, name), value) for name, value in written.items())


def _same(now: Any, written: Any) -> bool:
    if now is None or written is None or isinstance(now, bool | int):
        return bool(now == written)
    return str(now) == str(written)


def clear(session: Session, *, job: ImportJob) -> None:
    """Nothing is left to clear here: categories belong to the marketplace."""
