"""Lists of products: which variant a row means, and what would become of it.

A row is known by its SKU, else by its barcode, else by the product's name with the options. Rows
of one product belong together by the file's own handle, or by their name where there are options.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

from sqlalchemy import Row, Text, func, literal, or_, select, text, update
from sqlalchemy.orm import Session

from app.columns import MATCH_BY, ProductField, Subject
from app.operations import import_chunks, import_reading, import_steps
from app.operations.import_chunks import Verdict, refused
from app.operations.products import MOST_VARIANTS
from models.categories import Category, CategoryKind
from models.imports import ImportJob, ImportStatus, Outcome, StagedRow, Strategy
from models.products import Product, ProductStatus, Variant
from models.taxes import TaxClass

Held = Row[*tuple[Any, ...]]
"""A variant as it stands, with its product: the columns of `COLUMNS`."""

MAKE_CATEGORIES = MATCH_BY[Subject.PRODUCTS][0]
"""Among `match_by`: categories of the list that are missing are made."""
MOST_NEW_CATEGORIES = 500
OF_PRODUCT = ("name", "category", "description", "status", "option_names", "tax_class")
"""What a shop's list says in the first row of a product only."""
OF_VARIANT = (
    "barcode", "price", "cost", "warranty_months", "replenishment_days", "low_stock",
    "tracks_stock",
)  # fmt: skip
SAID = ("name", "sku", "barcode", "price", "on_hand")
F = ProductField
NEAR = 5_000
"""So many rows before a row are looked through for others of its product."""


def gather(session: Session, *, job_id: int, rows: int) -> None:
    """Say of each row which is the first of its product, and of what it repeats."""
    import_steps.refresh_statistics(session)
    _gather(session, job_id)


def gather_again(session: Session, *, job_id: int, only: Sequence[int]) -> None:
    """The same once more for these rows, after one of them was corrected."""
    session.execute(
        update(StagedRow)
        .where(StagedRow.job_id == job_id, StagedRow.position.in_(only))
        .values(leader=None, said=StagedRow.said.op("-")(literal("twins", Text))),
        execution_options={"synchronize_session": False},
    )
    _gather(session, job_id, only)


def alike(session: Session, job: ImportJob, *rows: StagedRow) -> list[int]:
    """The rows of the list of which one of these may decide what becomes: they share a code, a
    name or the product."""
    said = [row.said or {} for row in rows]
    codes = [
        StagedRow.said[name].as_string().in_(_some(one.get(name) for one in said))
        for name in ("sku", "barcode", "name")
    ]
    keys = _some(row.name_key for row in rows)
    same = StagedRow.position.in_([row.position for row in rows])
    query = select(StagedRow.position).where(
        StagedRow.vendor_id == job.vendor_id, StagedRow.job_id == job.id,
        or_(same, StagedRow.name_key.in_(keys), *codes),
    )  # fmt: skip
    return list(session.scalars(query.order_by(StagedRow.position)))


def _gather(session: Session, job_id: int, only: Sequence[int] | None = None) -> None:
    _found(
        session, job_id, only,
        "SELECT position, first_value(position) OVER same AS said FROM staged_rows"
        " WHERE job_id = :job AND name_key IS NOT NULL"
        " WINDOW same AS (PARTITION BY name_key ORDER BY position)",
        "leader = f.said", "f.position > f.said",
    )  # fmt: skip
    for name, key, where in (
        ("sku", "said ->> 'sku'", "said ? 'sku'"),
        ("barcode", "said ->> 'barcode'", "said ? 'barcode'"),
        ("name", "said ->> 'name'", "name_key IS NULL AND said ? 'name' AND NOT"
                                    " (said ? 'sku' OR said ? 'barcode')"),
        ("options", "name_key, coalesce(said -> 'options', '[]')",
         "name_key IS NOT NULL AND NOT said ?| '{is_parent,says_nothing}'"),
    ):  # fmt: skip
        _mark_twins(session, job_id, only, name, key, where)


def _mark_twins(
    session: Session, job_id: int, only: Sequence[int] | None, name: str, key: str, where: str
) -> None:
    """Rows that repeat an earlier one say its line."""
    _found(
        session, job_id, only,
        "SELECT position, first_value(line) OVER same AS said, row_number() OVER same AS nth"
        f" FROM staged_rows WHERE job_id = :job AND valid AND {where}"
        f" WINDOW same AS (PARTITION BY {key} ORDER BY position)",
        "said = s.said || jsonb_build_object('twins', coalesce(s.said -> 'twins', '{}')"
        f" || jsonb_build_object('{name}', f.said))",
        "f.nth > 1",
    )  # fmt: skip


def _found(
    session: Session, job_id: int, only: Sequence[int] | None, query: str, change: str, where: str
) -> None:
    """Change the rows that a query finds. They are put down first, and counted: nobody knows how
    many rows were just staged, and each would be looked for among all others."""
    values: dict[str, Any] = {"job": job_id}
    if only is not None:
        where, values["only"] = f"{where} AND f.position = ANY (:only)", list(only)
    import_reading.fresh_temp(
        session, "found", f"SELECT * FROM ({query}) AS f WHERE {where}", **values
    )
    session.execute(text("ANALYZE pg_temp.found"))
    session.execute(
        text(
            f"UPDATE staged_rows s SET {change} FROM found f"
            " WHERE s.vendor_id = (SELECT current_setting('app.vendor_id')::bigint)"
            " AND s.job_id = :job AND s.position = f.position"
        ),
        {"job": job_id},
    )


# --- what is known -----------------------------------------------------------------------


@dataclass(slots=True)
class Known:
    """What stands in the catalogue of what a chunk of rows speaks of."""

    by_sku: dict[str, Held] = field(default_factory=dict)
    by_barcode: dict[str, list[Held]] = field(default_factory=dict)
    by_name: dict[tuple[str, str], list[Held]] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    taxes: dict[str, int] = field(default_factory=dict)
    categories: dict[tuple[int | None, str], int] = field(default_factory=dict)
    leaders: dict[int, StagedRow] = field(default_factory=dict)
    makes_categories: bool = False

    def category(self, path: Sequence[str]) -> tuple[int | None, bool]:
        """The category at the end of a path, and whether it is there."""
        at: int | None = None
        for name in path:
            found = self.categories.get((at, name.casefold()))
            if found is None:
                return None, False
            at = found
        return at, True


COLUMNS = (
    Variant.id, Variant.product_id, Variant.sku, Variant.option, Variant.barcode, Variant.price,
    Variant.cost, Variant.warranty_months, Variant.replenishment_days, Variant.low_stock,
    Variant.tracks_stock, Variant.tax_class_id, Variant.on_hand, Variant.reserved,
    Product.name, Product.category_id, Product.description, Product.status,
)  # fmt: skip


def known_of(session: Session, job: ImportJob, rows: Sequence[StagedRow]) -> Known:
    """Everything that these rows may mean: some questions for a whole chunk."""
    makes = MAKE_CATEGORIES in job.match_by and job.status != ImportStatus.COMPLETED
    known = Known(makes_categories=makes)
    known.leaders = _leaders(session, job, rows)
    said = [whole(known, row) for row in rows if row.valid]
    _by_codes(session, job, known, said)
    _by_names(session, job, known, said)
    _count_variants(session, job, known)
    for tax in session.execute(select(TaxClass.id, TaxClass.name)):
        known.taxes[tax.name.casefold()] = tax.id
    known.categories = tree(session)
    return known


def tree(session: Session) -> dict[tuple[int | None, str], int]:
    """The marketplace's categories of products, by what they stand below and their name."""
    of_products = select(Category.id, Category.parent_id, Category.name).where(
        Category.kind == CategoryKind.PRODUCT
    )
    return {(c.parent_id, c.name.casefold()): c.id for c in session.execute(of_products)}


def _leaders(session: Session, job: ImportJob, rows: Sequence[StagedRow]) -> dict[int, StagedRow]:
    found = {row.position: row for row in rows}
    missing = {row.leader for row in rows if row.leader and row.leader not in found}
    if missing:
        of_job = (StagedRow.vendor_id == job.vendor_id, StagedRow.job_id == job.id)
        earlier = select(StagedRow).where(*of_job, StagedRow.position.in_(missing))
        found |= {row.position: row for row in session.scalars(earlier)}
    return found


def whole(known: Known, row: StagedRow) -> dict[str, Any]:
    """What a row says, with what the first row of its product says for all of them."""
    said = dict(row.said or {})
    first = known.leaders.get(row.leader or 0)
    if first is not None and first.said:
        of_first = first.said
        said |= {n: of_first[n] for n in OF_PRODUCT if n in of_first and not said.get(n)}
        if of_first.get("name"):
            said["name"] = of_first["name"]
        if "price" in of_first:
            said.setdefault("price", of_first["price"])
    return said


def option_of(said: Mapping[str, Any]) -> str:
    """What sets the variant apart, in one line."""
    return " / ".join(said.get("options") or ())


def _some(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value})


def _by_codes(
    session: Session, job: ImportJob, known: Known, said: Sequence[Mapping[str, Any]]
) -> None:
    query = select(*COLUMNS).join(Variant.product).where(Variant.vendor_id == job.vendor_id)
    skus, barcodes = _some(s.get("sku") for s in said), _some(s.get("barcode") for s in said)
    if skus:
        known.by_sku = {v.sku: v for v in session.execute(query.where(Variant.sku.in_(skus)))}
    if barcodes:
        found = query.where(Variant.barcode.in_(barcodes)).order_by(Variant.id)
        for variant in session.execute(found):
            known.by_barcode.setdefault(variant.barcode, []).append(variant)


def _by_names(
    session: Session, job: ImportJob, known: Known, said: Sequence[Mapping[str, Any]]
) -> None:
    """Variants of products that are called so; what is archived is nobody's namesake."""
    names = _some(s.get("name") for s in said)
    if not names:
        return
    query = (
        select(*COLUMNS)
        .join(Variant.product)
        .where(Variant.vendor_id == job.vendor_id, Product.vendor_id == job.vendor_id)
        .where(Product.name.in_(names), Product.status != ProductStatus.ARCHIVED)
        .order_by(Product.id, Variant.id)
    )
    for variant in session.execute(query):
        key = (variant.name, (variant.option or "").casefold())
        known.by_name.setdefault(key, []).append(variant)
        known.products.setdefault(variant.name, variant.product_id)


def _count_variants(session: Session, job: ImportJob, known: Known) -> None:
    found = [*known.by_sku.values(), *chain(*known.by_barcode.values(), *known.by_name.values())]
    ids = {variant.product_id for variant in found}
    if ids:
        query = select(Variant.product_id, func.count()).where(
            Variant.vendor_id == job.vendor_id, Variant.product_id.in_(ids)
        )
        known.sizes = {
            row[0]: row[1] for row in session.execute(query.group_by(Variant.product_id))
        }


# --- verdicts ----------------------------------------------------------------------------


@dataclass(slots=True)
class Plan:
    """What is written of a row: a new variant, or changes of a known one."""

    said: Mapping[str, Any]
    known: Held | None = None
    product_id: int | None = None
    variant: dict[str, Any] = field(default_factory=dict)
    product: dict[str, Any] = field(default_factory=dict)


def judge(session: Session, job: ImportJob, rows: Sequence[StagedRow]) -> list[Verdict]:
    """What becomes of each of these rows, by what stands in the catalogue now."""
    known = known_of(session, job, rows)
    verdicts = [_verdict(job, known, row) for row in rows]
    for verdict in verdicts:
        said = whole(known, verdict.row)
        verdict.said = {n: said[n] for n in SAID if said.get(n) is not None}
        if option := option_of(said):
            verdict.said["name"] = ", ".join(p for p in (said.get("name"), option) if p)
    return verdicts


def _verdict(job: ImportJob, known: Known, row: StagedRow) -> Verdict:
    if not row.valid:
        return Verdict(row, Outcome.INVALID, row.code)
    said = whole(known, row)
    if (aside := _aside(row, said)) is not None:
        return aside
    found = find(known, said)
    if isinstance(found, str):
        return refused(row, "conflict", found, F.BARCODE)
    if found is None:
        return _new(known, row, said)
    if job.strategy == Strategy.SKIP:
        return Verdict(row, Outcome.SKIPPED_DUPLICATE, "known", after=_page(found))
    return _changed(job, known, row, said, found)


def _aside(row: StagedRow, said: Mapping[str, Any]) -> Verdict | None:
    """Rows that are no variant of their own: a picture, a product's head, a repetition."""
    twins = said.get("twins") or {}
    if said.get("says_nothing"):
        return Verdict(row, Outcome.UNCHANGED, "no_variant")
    if said.get("is_parent"):
        return Verdict(row, Outcome.UNCHANGED, "product_head")
    for name, label in (("sku", "SKU"), ("name", "name")):
        if name in twins:
            message = f"Line {twins[name]} has the same {label} already: this row is left out."
            return Verdict(row, Outcome.SKIPPED_DUPLICATE, "listed_twice", message)
    if "barcode" in twins:
        if not said.get("sku"):
            message = f"Line {twins['barcode']} has the same barcode already."
            return Verdict(row, Outcome.SKIPPED_DUPLICATE, "listed_twice", message)
        return refused(
            row, "barcode_twice",
            f"Line {twins['barcode']} has the barcode {said['barcode']} too: give each its own.",
            F.BARCODE,
        )  # fmt: skip
    if "options" in twins:
        return refused(
            row, "options_twice",
            f"Line {twins['options']} is the same product with the same options: "
            "write what sets them apart.",
            F.OPTION_1,
        )  # fmt: skip
    return None


def find(known: Known, said: Mapping[str, Any]) -> Held | str | None:
    """The variant that a row means; a sentence, if what it says belongs to different ones."""
    sku, barcode = said.get("sku"), said.get("barcode")
    owners = known.by_barcode.get(barcode or "", [])
    if sku and (found := known.by_sku.get(sku)) is not None:
        others = [owner for owner in owners if owner.id != found.id]
        if others and barcode != found.barcode:
            return f"The barcode {barcode} is that of {_title(others[0])}: correct it."
        return found
    if len(owners) > 1:
        return f"The barcode {barcode} is that of {len(owners)} variants: write the SKU too."
    if owners:
        return owners[0]
    if sku or not said.get("name"):
        return None
    named = known.by_name.get((said["name"], option_of(said).casefold()), [])
    if len(named) > 1:
        return f"{len(named)} products are called “{said['name']}”: write a SKU or a barcode."
    if named and barcode and named[0].barcode and named[0].barcode != barcode:
        return None
    return named[0] if named else None


def _title(variant: Held) -> str:
    title = f"{variant.name}, {variant.option}" if variant.option else variant.name
    return f"{title} ({variant.sku})"


def _page(variant: Held) -> dict[str, Any]:
    return {"page": f"product/details/{variant.product_id}"}


def _new(known: Known, row: StagedRow, said: Mapping[str, Any]) -> Verdict:
    if not said.get("name"):
        what = "barcode" if said.get("barcode") and not said.get("sku") else "SKU"
        return refused(
            row, "no_name",
            f"Nothing is known by this {what}, and a new product needs a name: add one."
            if said.get("sku") or said.get("barcode") else
            "Nothing in this row says what it is: add a name, a SKU or a barcode.",
            F.NAME,
        )  # fmt: skip
    if said.get("price") is None:
        missing = "The price is missing: write one, 0 if it costs nothing."
        return refused(row, "no_price", missing, F.PRICE)
    product_id = None
    if said.get("options"):
        product_id = known.products.get(said["name"])
        named = known.by_name.get((said["name"], option_of(said).casefold()), [])
        if named:
            return refused(
                row, "options_known",
                f"{_title(named[0])} is the same product with the same options, under another "
                "code: correct one of them.",
                F.OPTION_1,
            )  # fmt: skip
        if product_id and known.sizes.get(product_id, 0) >= MOST_VARIANTS:
            return refused(
                row, "too_many_variants",
                f"A product has at most {MOST_VARIANTS} variants: make it two products.",
            )  # fmt: skip
    plan = Plan(said, product_id=product_id)
    plan.variant = _of_new_variant(known, said)
    plan.product = {
        "name": said["name"], "description": said.get("description"),
        "status": said.get("status") or ProductStatus.ACTIVE.value,
        "category_id": _category(known, said), "options": said.get("option_names"),
    }  # fmt: skip
    return Verdict(row, Outcome.CREATED, plan=plan)


def _category(known: Known, said: Mapping[str, Any]) -> int | None:
    return known.category(said.get("category") or ())[0]


def _of_new_variant(known: Known, said: Mapping[str, Any]) -> dict[str, Any]:
    opening = said.get("on_hand")
    tracks = said.get("tracks_stock")
    return {
        "sku": said.get("sku"), "option": option_of(said) or None,
        "barcode": said.get("barcode"), "price": Decimal(said["price"]),
        "cost": _amount(said.get("cost")), "warranty_months": said.get("warranty_months"),
        "replenishment_days": said.get("replenishment_days"),
        "low_stock": said.get("low_stock") or 0,
        "tracks_stock": opening is not None if tracks is None else tracks,
        "tax_class_id": known.taxes.get((said.get("tax_class") or "").casefold()),
    }  # fmt: skip


def _amount(said: str | None) -> Decimal | None:
    return None if said is None else Decimal(said)


def _changed(
    job: ImportJob, known: Known, row: StagedRow, said: Mapping[str, Any], found: Held
) -> Verdict:
    """A known variant, and what the list would change of it."""
    takes_all = job.strategy == Strategy.OVERWRITE
    plan = Plan(said, known=found)
    wished = {name: said[name] for name in OF_VARIANT if said.get(name) is not None}
    wished |= {n: Decimal(wished[n]) for n in ("price", "cost") if n in wished}
    if (tax := known.taxes.get((said.get("tax_class") or "").casefold())) is not None:
        wished["tax_class_id"] = tax
    if found.on_hand or found.reserved:
        wished.pop("tracks_stock", None)  # what has stock goes on being counted
    plan.variant = _differences(found, wished, takes_all)
    if _speaks_for_product(known, row, found):
        plan.product = _differences(found, _wished_of_product(known, said), takes_all)
    outcome = Outcome.UPDATED if plan.variant or plan.product else Outcome.UNCHANGED
    return Verdict(row, outcome, plan=plan, after=_page(found))


def _speaks_for_product(known: Known, row: StagedRow, found: Held) -> bool:
    """Of several rows about one product only the first changes it, or the only one."""
    if row.leader is not None:
        return False
    return row.name_key is not None or known.sizes.get(found.product_id, 1) < 2


def _wished_of_product(known: Known, said: Mapping[str, Any]) -> dict[str, Any]:
    wished = {n: said[n] for n in ("name", "description", "status") if said.get(n)}
    path = said.get("category")
    if path:
        found, there = known.category(path)
        if there or known.makes_categories:
            wished["category_id"] = found or 0  # 0: it will be made
    return wished


def _differences(found: Held, wished: Mapping[str, Any], takes_all: bool) -> dict[str, Any]:
    """What of it is written: without `takes_all` only what is empty, which a status never is."""
    return {
        name: value
        for name, value in wished.items()
        if getattr(found, name) != value and (takes_all or _is_empty(name, getattr(found, name)))
    }


def _is_empty(name: str, value: Any) -> bool:
    return value is None or value == "" or (name == "low_stock" and value == 0)


def variant_of(verdict: Verdict) -> int | None:
    """The known variant that a judged row means."""
    plan: Plan | None = verdict.plan
    return plan.known.id if plan is not None and plan.known is not None else None


# --- what the page says besides ----------------------------------------------------------


def notes(session: Session, job: ImportJob) -> dict[str, Any]:
    """Categories and tax classes of the list that are not here, and how much stock it brings."""
    missing = missing_categories(session, job)
    return {
        "categories": missing[:MOST_NEW_CATEGORIES],
        "tax_classes": _missing_taxes(session, job),
        "stocked": _stocked(session, job),
    }


def missing_categories(session: Session, job: ImportJob) -> list[list[str]]:
    """The paths of the list's categories that are not in the marketplace's tree."""
    said = text(
        "SELECT DISTINCT said -> 'category' FROM staged_rows"
        " WHERE job_id = :job AND valid AND said ? 'category' ORDER BY 1 LIMIT :most"
    )
    known = Known(categories=tree(session))
    most = {"job": job.id, "most": 4 * MOST_NEW_CATEGORIES}
    paths = session.scalars(said, most).all()
    seen: dict[str, list[str]] = {}
    for path in paths:
        if not known.category(path)[1]:
            seen.setdefault("\n".join(path).casefold(), list(path))
    return list(seen.values())


def _missing_taxes(session: Session, job: ImportJob) -> list[str]:
    said = text(
        "SELECT DISTINCT s.said ->> 'tax_class' FROM staged_rows s"
        " WHERE s.job_id = :job AND s.valid AND s.said ? 'tax_class' AND NOT EXISTS ("
        " SELECT 1 FROM tax_classes t WHERE t.vendor_id = s.vendor_id"
        " AND lower(t.name) = lower(s.said ->> 'tax_class')) ORDER BY 1 LIMIT 20"
    )
    return list(session.scalars(said, {"job": job.id}))


def _stocked(session: Session, job: ImportJob) -> int:
    said = select(func.count()).where(
        StagedRow.vendor_id == job.vendor_id, StagedRow.job_id == job.id, StagedRow.valid,
        StagedRow.said.has_key("on_hand"),
    )  # fmt: skip
    return session.scalar(said) or 0


def judge_chunk(session: Session, *, job_id: int, size: int = import_chunks.CHUNK) -> bool:
    """Say what would become of the next rows; False when all are judged."""
    return import_chunks.judge_chunk(session, job_id=job_id, judge=judge, size=size, notes=notes)
