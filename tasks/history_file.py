"""Past sales from the command line: the steps of the import's pages, one after the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app import intake, lists
from app.columns import Subject
from app.database import begin
from app.errors import DomainError
from app.gateways.files import Kept
from app.operations import history
from app.past_sales import SaleField, missing
from app.tenancy import SYSTEM, acting, vendor_actor
from models.imports import ImportJob, ImportStatus
from models.vendors import Vendor
from tasks.history import Heard, commit_now, job_of, transacted, try_out_now

_PIECE = 1 << 20
_ALSO = {
    "reference": SaleField.CUSTOMER, "customerreference": SaleField.CUSTOMER,
    "customerid": SaleField.CUSTOMER, "customername": SaleField.NAME,
    "email": SaleField.EMAIL, "itemcode": SaleField.SKU, "code": SaleField.SKU,
    "itemname": SaleField.ITEM, "product": SaleField.ITEM, "price": SaleField.UNIT_PRICE,
    "total": SaleField.AMOUNT, "number": SaleField.ORDER, "ordernumber": SaleField.ORDER,
}  # fmt: skip


class NoMapping(DomainError):
    sentence = "{why}"


def fields_of(pairs: list[str]) -> dict[SaleField, str]:
    """What `--map` says, such as `date=InvoiceDate,order=InvoiceNo`: a header by field.

    An empty header leaves the field out. Raises `NoMapping`.
    """
    chosen: dict[SaleField, str] = {}
    for pair in (part for text in pairs for part in text.split(",") if part.strip()):
        name, sign, header = pair.partition("=")
        word = "".join(c for c in name.lower() if c.isalnum())
        known = {field.value.replace("_", ""): field for field in SaleField}
        field = known.get(word) or _ALSO.get(word)
        if not sign or field is None:
            raise NoMapping(
                why=f"--map cannot be read at {pair.strip()!r}: write field=header, with one of "
                f"these fields: {', '.join(SaleField)}."
            )
        chosen[field] = header.strip()
    return chosen


def run_file(
    path: Path | str,
    *,
    vendor_slug: str,
    columns: Mapping[SaleField, str] | None = None,
    commit: bool = False,
    heard: Heard | None = None,
) -> dict[str, Any]:
    """Import a file of past sales into a vendor, without `commit` only try it out.

    What was begun with the same file and columns is gone on with. The figures of
    `history_figures.figures`, and `columns`, `status`, `job`, `refused`.
    """
    path = Path(path)
    with acting(SYSTEM), begin() as session:
        vendor_id = session.scalar(select(Vendor.id).where(Vendor.slug == vendor_slug))
    if vendor_id is None:
        return {"refused": f"There is no vendor {vendor_slug!r}: check its short name."}
    if not path.is_file():
        return {"refused": f"There is no file {path.name!r}: check its path."}
    with acting(vendor_actor(vendor_id)):
        try:
            return _run(path, columns or {}, commit, heard)
        except DomainError as refusal:
            return {"refused": str(refusal)}


def _run(
    path: Path, columns: Mapping[SaleField, str], commit: bool, heard: Heard | None
) -> dict[str, Any]:
    with path.open("rb") as file:
        kept = lists.files().keep(
            iter(lambda: file.read(_PIECE), b""), most=lists.limits().max_bytes
        )
    job = _job_of_file(kept, path.name, columns)
    if job.refused:
        return _told(job)
    if job.status == ImportStatus.UPLOADED:
        transacted(history.map_columns, job_id=job.id, mapping=job.mapping)
        transacted(history.begin_trying, job_id=job.id)
    elif job.status == ImportStatus.MAPPED:
        transacted(history.go_on_trying, job_id=job.id)
    if job_of(job.id).status == ImportStatus.MAPPED:
        try_out_now(job.id)
    if commit:
        _commit(job.id, heard)
    return _told(job_of(job.id))


def _commit(job_id: int, heard: Heard | None) -> None:
    if job_of(job_id).status == ImportStatus.TRIED:
        transacted(history.begin_import, job_id=job_id)
    if job_of(job_id).status == ImportStatus.IMPORTING:
        commit_now(job_id, heard)


def _job_of_file(kept: Kept, filename: str, columns: Mapping[SaleField, str]) -> ImportJob:
    """The import of this file that is not at its end yet, or a new one with these columns."""
    try:
        transacted(history.refuse_the_same, checksum=kept.checksum)
        listing = lists.opened(lists.files().path(kept.name), filename, Subject.SALES)
        mapping = with_columns(intake.reading(Subject.SALES).propose(listing.sample), columns)
        if sentence := missing(set(mapping.values())):
            raise NoMapping(why=sentence)
    except DomainError:
        lists.files().drop(kept.name)
        raise
    known: ImportJob | None = transacted(
        history.unfinished, checksum=kept.checksum, mapping=mapping
    )
    if known is not None:
        lists.files().drop(kept.name)
        return known
    job = lists.take_in(kept, filename, Subject.SALES)
    job.mapping = mapping
    return job


def with_columns(
    proposed: Mapping[str, SaleField | None], columns: Mapping[SaleField, str]
) -> dict[str, str | None]:
    """The proposed columns, with those that were chosen in their place. Raises `NoMapping`."""
    mapping: dict[str, str | None] = {k: f.value if f else None for k, f in proposed.items()}
    for field, header in columns.items():
        if header and header not in mapping:
            raise NoMapping(
                why=f"There is no column {header!r}: the file has {', '.join(list(mapping)[:50])}."
            )
        mapping = {name: None if said == field else said for name, said in mapping.items()}
        if header:
            mapping[header] = field.value
    return mapping


def _told(job: ImportJob) -> dict[str, Any]:
    figures = job.result if job.status == ImportStatus.COMPLETED else job.tried
    return {
        "job": job.id,
        "file": job.filename,
        "status": str(job.status),
        "columns": {name: job.mapping.get(name) for name in job.header},
        **{k: v for k, v in (figures or {}).items() if k not in ("step", "run", "settled")},
        "refused": job.refused,
    }
