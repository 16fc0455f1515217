"""Lists of opening stock: of which variant there are how many, written into the ledger.

A variant whose stock has moved already is counted anew: the difference is an adjustment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from app.columns import StockField
from app.operations import import_chunks, import_products, import_ware_undoing, opening
from app.operations.import_chunks import Verdict, refused
from app.operations.import_product_writing import update_rows
from app.operations.import_products import Held
from app.operations.import_undoing import KEPT_CHANGED, KEPT_TAKEN
from models.imports import ImportJob, ImportRow, Outcome, StagedRow, Strategy
from models.products import Variant
from models.stock import StockMove

SAID = ("name", "sku", "barcode", "quantity")
F = StockField


@dataclass(slots=True)
class Plan:
    """How many more or fewer there are of a variant, and what it costs from now on."""

    variant_id: int
    quantity: int
    change: int
    cost: Decimal | None
    old_cost: Decimal | None


def gather(session: Session, *, job_id: int, rows: int) -> None:
    """Nothing is gathered before it is known of which variants the rows speak."""


def gather_again(session: Session, *, job_id: int, only: Sequence[int]) -> None:
    """Nothing either after one of the rows was corrected."""


def alike(session: Session, job: ImportJob, *rows: StagedRow) -> list[int]:
    """The rows of the list that speak of the same variant as the last of these."""
    row = rows[-1]
    known = import_products.known_of(session, job, [row])
    found = import_products.find(known, row.said or {}) if row.valid else None
    if found is None or isinstance(found, str):
        return [row.position]
    query = select(ImportRow.position).where(
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.after["page"].as_string() == _page(found),
    )  # fmt: skip
    return sorted({row.position, *session.scalars(query)})


def variant_of(verdict: Verdict) -> int | None:
    """The variant that a judged row counts."""
    return verdict.after.get("variant_id")


def judge(session: Session, job: ImportJob, rows: Sequence[StagedRow]) -> list[Verdict]:
    """What becomes of each of these rows, by what the ledger says now."""
    known = import_products.known_of(session, job, rows)
    found = {row.position: import_products.find(known, row.said or {}) for row in rows if row.valid}
    ids = sorted({v.id for v in found.values() if v is not None and not isinstance(v, str)})
    shelves, moved = opening.hold(session, ids), _moved(session, job, ids)
    spoken = _spoken_for(session, job, rows)
    verdicts = []
    for row in rows:
        verdict = _verdict(job, row, found.get(row.position), shelves, moved, spoken)
        said = row.said or {}
        verdict.said = {n: said[n] for n in SAID if said.get(n) is not None} | verdict.said
        verdicts.append(verdict)
    return verdicts


def _moved(session: Session, job: ImportJob, ids: Sequence[int]) -> set[int]:
    """Variants whose stock has moved before, other than by this list."""
    moves = select(StockMove.variant_id).where(
        StockMove.vendor_id == job.vendor_id, StockMove.variant_id.in_(ids)
    )
    return set(session.scalars(moves.distinct())) if ids else set()


def _spoken_for(session: Session, job: ImportJob, rows: Sequence[StagedRow]) -> dict[int, int]:
    """The variants of which earlier rows of the list speak, with the line of the first."""
    if not rows:
        return {}
    variant = ImportRow.after["variant_id"].as_integer()
    earlier = select(variant, func.min(ImportRow.line)).where(
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.position < rows[0].position, ImportRow.after.has_key("variant_id"),
    )  # fmt: skip
    return {row[0]: row[1] for row in session.execute(earlier.group_by(variant))}


def _verdict(
    job: ImportJob,
    row: StagedRow,
    found: Held | str | None,
    shelves: Mapping[int, opening.Shelf],
    moved: set[int],
    spoken: dict[int, int],
) -> Verdict:
    if not row.valid:
        return Verdict(row, Outcome.INVALID, row.code)
    said = row.said or {}
    if isinstance(found, str):
        return refused(row, "conflict", found, F.BARCODE)
    if found is None:
        return refused(row, "unknown", _unknown(said), _asked_by(said))
    page = {"page": _page(found), "variant_id": found.id}
    told = {"name": _title(found), "sku": found.sku}
    if found.id in spoken:
        message = f"Line {spoken[found.id]} says how many there are of it already."
        verdict = Verdict(row, Outcome.SKIPPED_DUPLICATE, "listed_twice", message, told)
        verdict.after = {"page": page["page"]}
        return verdict
    verdict = _counted(job, row, found, shelves[found.id], found.id in moved)
    verdict.said = told | verdict.said
    if verdict.outcome != Outcome.INVALID:
        spoken[found.id] = row.line
        verdict.after = page
    return verdict


def _page(found: Held) -> str:
    return f"variant/details/{found.id}"


def _unknown(said: Mapping[str, Any]) -> str:
    for name, label in (("sku", "SKU"), ("barcode", "barcode"), ("name", "name")):
        if said.get(name):
            return (
                f"No product has the {label} “{said[name]}”: correct it, or import the product "
                "first."
            )
    return "Nothing in this row says what it is: add a SKU, a barcode or a name."


def _asked_by(said: Mapping[str, Any]) -> StockField:
    return next((f for f in (F.SKU, F.BARCODE, F.NAME) if said.get(f.value)), F.SKU)


def _title(found: Held) -> str:
    return f"{found.name}, {found.option}" if found.option else str(found.name)


def _counted(
    job: ImportJob, row: StagedRow, found: Held, shelf: opening.Shelf, has_moved: bool
) -> Verdict:
    said = row.said or {}
    quantity = int(said["quantity"])
    change = quantity - shelf.on_hand
    if not shelf.tracks_stock:
        return refused(
            row, "not_counted",
            f"The stock of {_title(found)} is not counted: switch that on at its product first.",
        )  # fmt: skip
    if has_moved and job.strategy == Strategy.SKIP:
        return Verdict(row, Outcome.SKIPPED_DUPLICATE, "known")
    if not shelf.may_be(quantity):
        return refused(
            row, "promised",
            f"{shelf.reserved} of {_title(found)} are promised to orders, so there cannot be only "
            f"{quantity}: call an order off first.",
            F.QUANTITY,
        )  # fmt: skip
    cost = _cost(job, said, found)
    plan = Plan(found.id, quantity, change, cost, found.cost)
    if not change and cost is None:
        return Verdict(row, Outcome.UNCHANGED)
    seen = {"on_hand": shelf.on_hand}
    if has_moved or not change:
        return Verdict(row, Outcome.UPDATED, plan=plan, said=seen)
    return Verdict(row, Outcome.CREATED, plan=plan, said=seen)


def _cost(job: ImportJob, said: Mapping[str, Any], found: Held) -> Decimal | None:
    if said.get("cost") is None:
        return None
    cost = Decimal(said["cost"])
    takes = found.cost is None or job.strategy == Strategy.OVERWRITE
    return cost if takes and cost != found.cost else None


def write(session: Session, job: ImportJob, verdicts: Sequence[Verdict]) -> None:
    """Receipts where nothing had moved, adjustments elsewhere, and what things cost."""
    del job  # the variants say whose they are
    first = {v.plan.variant_id: v.plan.change for v in verdicts if v.outcome == Outcome.CREATED}
    again = {v.plan.variant_id: v.plan.change for v in verdicts if v.outcome == Outcome.UPDATED}
    moves = opening.receive(session, counted=first) | opening.correct(session, changes=again)
    for verdict in verdicts:
        plan: Plan = verdict.plan
        verdict.after |= {"moved": plan.change}
        if plan.variant_id in moves:
            verdict.after["move"] = moves[plan.variant_id]
        if plan.cost is not None:
            verdict.before = {"cost": None if plan.old_cost is None else str(plan.old_cost)}
            verdict.after["cost"] = str(plan.cost)
    costs = [
        (v.plan.variant_id, {"cost": v.plan.cost}) for v in verdicts if v.plan.cost is not None
    ]
    update_rows(session, Variant, costs)


def notes(session: Session, job: ImportJob) -> dict[str, Any]:
    """How many variants have moved already, so that they are counted anew."""
    again = select(func.count()).where(
        ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job.id,
        ImportRow.outcome == Outcome.UPDATED,
    )  # fmt: skip
    return {"counted_anew": session.scalar(again) or 0}


def judge_chunk(session: Session, *, job_id: int, size: int = import_chunks.CHUNK) -> bool:
    """Say what would become of the next rows; False when all are judged."""
    return import_chunks.judge_chunk(
        session, job_id=job_id, judge=judge, size=size, notes=notes, tells_all=True
    )


def commit_chunk(session: Session, *, job_id: int, size: int = import_chunks.CHUNK) -> bool:
    """Import the next rows; False when all are imported."""
    return import_chunks.commit_chunk(session, job_id=job_id, judge=judge, write=write, size=size)


# --- taken back --------------------------------------------------------------------------


def take_back(session: Session, *, job_id: int, after: int, until: int) -> None:
    """The opposite moves of these rows; what would leave fewer than none, or promised, is kept."""
    job = session.get_one(ImportJob, job_id)
    rows = session.execute(
        select(ImportRow.position, ImportRow.before, ImportRow.after)
        .where(ImportRow.vendor_id == job.vendor_id, ImportRow.job_id == job_id)
        .where(ImportRow.position > after, ImportRow.position <= until)
        .where(ImportRow.outcome.in_((Outcome.CREATED, Outcome.UPDATED)))
        .where(ImportRow.undone.is_(False), ImportRow.after.has_key("moved"))
    ).all()
    shelves = opening.hold(session, [int(r.after["variant_id"]) for r in rows])
    costs = _costs(session, list(shelves))
    ends: dict[int, str | None] = {}
    back: dict[int, int] = {}
    restored: list[tuple[int, dict[str, Any]]] = []
    for row in rows:
        variant_id, moved = int(row.after["variant_id"]), int(row.after["moved"])
        code = _why_kept(row, shelves.get(variant_id), costs.get(variant_id), moved)
        ends[row.position] = code
        if code is None:
            back[variant_id] = moved
            if row.before:
                cost = row.before["cost"]
                restored.append((variant_id, {"cost": None if cost is None else Decimal(cost)}))
    opening.take_back(session, moved=back)
    update_rows(session, Variant, restored)
    import_ware_undoing.settle(session, job, ends)


def _costs(session: Session, ids: Sequence[int]) -> dict[int, Decimal | None]:
    query = select(Variant.id, Variant.cost).where(Variant.id.in_(ids))
    found = session.execute(query) if ids else ()
    return {row[0]: row[1] for row in found}


def _why_kept(
    row: Row[*tuple[Any, ...]], shelf: opening.Shelf | None, cost: Decimal | None, moved: int
) -> str | None:
    if shelf is None:
        return KEPT_CHANGED
    if row.after.get("cost") is not None and str(cost) != row.after["cost"]:
        return KEPT_CHANGED
    return None if shelf.may_be(shelf.on_hand - moved) else KEPT_TAKEN
