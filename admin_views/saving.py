"""Saving, deleting, commanding: one transaction each, for the vendor whose record it is.

Where a rule stands behind a write, the view names the operation (`creates_with`, `changes_with`,
`deletes_with`, `commands`); else the record is written as it is. What others changed meanwhile is
never overwritten: the form carries a fingerprint of what it showed.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import app.operations.catalogue  # noqa: F401 - its refusals
from admin_views.forms import Saving
from admin_views.loaders import record_id
from admin_views.rendering import word
from app.database import begin, begin_planned
from app.errors import ChangedMeanwhile, DomainError, NotFound
from app.tenancy import Actor, DatabaseRole, acting, current_actor
from models.customers import Customer
from models.vendors import Vendor

log = logging.getLogger(__name__)

WENT_WRONG = "Something went wrong; nothing was saved: try once more."


class InUse(DomainError):
    sentence = "{what} is still used by {where}: switch it off, or archive it, instead."


class NoVendorChosen(DomainError):
    sentence = "The vendor is missing: choose whose it is."
    field = "vendor"


class NotNow(DomainError):
    sentence = "This cannot be done any more, as it stands now: reload the page."


Moves = tuple[Callable[..., Any], Callable[[Any], bool]]
"""What a command does, and when its button is there."""


@dataclass(frozen=True)
class Command:
    """What moves a record on: a button on its page, a POST, an operation.

    `run(session, record_id)` does it; `when(record)` says whether the button is there.
    `ask` (question, what stays; or what says them of the record) makes the button ask first;
    `inputs` name the words it takes (name, label, and the type of the field if it is not text;
    `wholes`: those that are whole numbers), `carries` what the question was about: both are
    handed on as keywords.
    """

    name: str
    title: str
    run: Callable[..., Any]
    when: Callable[[Any], bool]
    done: str
    icon: str = ""
    primary: bool = False
    danger: bool = False
    action: str = "move"
    ask: tuple[str, str] | Callable[[Any], tuple[str, str]] | None = None
    inputs: tuple[tuple[str, ...], ...] = ()
    wholes: tuple[str, ...] = ()
    carries: Callable[[Any], dict[str, str]] | None = None
    carried: tuple[str, ...] = ()

    @property
    def takes(self) -> tuple[str, ...]:
        """The names of the words that a POST of it may bring."""
        return (*(name for name, *_ in self.inputs), *self.carried)


@dataclass(frozen=True)
class Saved:
    """What was saved, and what there is to say about it."""

    id: int
    title: str
    notes: tuple[str, ...] = ()


def zone_named(name: str | None) -> tzinfo:
    """The zone of that name, or UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def vendor_of(session: Session, model: Any, number: int) -> int | None:
    """Whose the record is; refuses one that cannot be seen."""
    column = getattr(model, "vendor_id", None)
    key = select(model.id if column is None else column, model.id).where(model.id == number)
    found = session.execute(key).first()
    if found is None:
        raise NotFound
    return None if column is None else found[0]


@contextmanager
def writing(
    model: Any, number: int | None, data: Mapping[str, Any] | None = None
) -> Iterator[Session]:
    """A transaction for the vendor of the record, or of the one that an admin chose in `data`."""
    actor = current_actor()
    if actor.role is DatabaseRole.ADMIN and hasattr(model, "vendor_id"):
        with begin() as session:
            at = vendor_of(session, model, number) if number else chosen(session, actor, data or {})
        actor = replace(actor, vendor_id=at)
    with acting(actor), begin_planned() as session:
        yield session


def chosen(session: Session, actor: Actor, data: Mapping[str, Any]) -> int:
    """The vendor that an admin chose in the form, or whose customer it is, or stood in."""
    number = record_id(data.get("vendor"))
    if number is not None and session.get(Vendor, number) is None:
        raise DomainError("This vendor is not here: choose one from the list.", field="vendor")
    customer = record_id(data.get("customer"))
    if number is None and customer is not None:
        number = session.scalar(select(Customer.vendor_id).where(Customer.id == customer))
        if number is None:
            raise DomainError("This one is not here: choose one from the list.", field="customer")
    number = number or actor.vendor_id
    if number is None:
        raise NoVendorChosen
    return number


def saving_for(session: Session, record: Any = None) -> Saving:
    """The zone and the country that a record's times and phones are read in."""
    number = getattr(record, "vendor_id", None) or current_actor().vendor_id
    vendor = record if isinstance(record, Vendor) else number and session.get(Vendor, number)
    if not isinstance(vendor, Vendor):
        return Saving(session, UTC, "", notes=[])
    return Saving(session, zone_named(vendor.time_zone), vendor.country, notes=[])


def fingerprint(values: dict[str, Any]) -> str:
    """What a form showed, as a word that changes when any of it does."""
    said = repr(sorted((k, str(v)) for k, v in values.items()))
    return hashlib.blake2s(said.encode("utf-8", "replace"), digest_size=12).hexdigest()


def column_of(view: Any, name: str) -> str:
    """The column behind a form's field, if any: `customer` is kept in `customer_id`."""
    columns = view.model.__mapper__.columns
    return f"{name}_id" if name not in columns and f"{name}_id" in columns else name


def kept_values(view: Any, data: dict[str, Any], context: Saving, record: Any) -> dict[str, Any]:
    """The columns to write, from what the form read; related records are found again here."""
    values: dict[str, Any] = {}
    owner = getattr(record, "vendor_id", None) or current_actor().vendor_id
    for name, field in view.bound_fields(data).items():
        column = column_of(view, name)
        before = getattr(record, column, None) if record is not None else None
        value = field.kept(data.get(name), replace(context, before=before))
        if hasattr(value, "id"):
            other = getattr(value, "vendor_id", None)
            if other is not None and owner is not None and other != owner:
                raise DomainError(
                    "This one belongs to another vendor: choose one from the list.", field=name
                )
            value = value.id
        values[column] = value
    return values


def create(view: Any, data: dict[str, Any]) -> Saved:
    """Make a record of what the form read."""
    with writing(view.model, None, data) as session:
        context = saving_for(session)
        values = kept_values(view, data, view.context_of(context, data), None)
        record = view.create_record(session, values, data, context)
        session.flush()  # the id, and the verdict of the constraints
        return Saved(record.id, view.title_of(record), tuple(context.notes or ()))


def change(view: Any, number: int, data: dict[str, Any], seen: str) -> Saved:
    """Write what the form read over a record that is still as the form showed it."""
    with writing(view.model, number) as session:
        record = view.held(session, number)
        if record is None:
            raise NotFound
        if seen != fingerprint(view.shown_values(session, record)):
            raise ChangedMeanwhile
        context = saving_for(session, record)
        values = kept_values(view, data, view.context_of(context, data), record)
        view.change_record(session, record, values, data, context)
        session.flush()  # the verdict of the constraints, while the form is still there
        return Saved(number, view.title_of(record), tuple(context.notes or ()))


def delete(view: Any, number: int) -> str:
    """Delete a record; refuses one that others still point to. Answers what it was called."""
    with writing(view.model, number) as session:
        record = session.get(view.model, number)
        if record is None:
            raise NotFound
        title = str(view.title_of(record))
        try:
            view.delete_record(session, record)
            session.flush()  # the verdict of the foreign keys
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", "") != "23503":
                raise
            table = getattr(getattr(error.orig, "diag", None), "table_name", "") or "others"
            raise InUse(what=title, where=word(table).lower()) from error
        return title


def command(view: Any, wanted: Command, number: int, words: dict[str, str]) -> str:
    """Run a command on a record; answers what to say."""
    with writing(view.model, number) as session:
        record = session.get(view.model, number)
        if record is None:
            raise NotFound
        if not wanted.when(record):
            raise NotNow
        wanted.run(session, number, **words)
        return wanted.done


def sentence_of(error: Exception) -> DomainError:
    """The refusal to show for whatever was raised; what nobody foresaw is logged and neutral."""
    if isinstance(error, DomainError):
        return error
    log.exception("unexpected while saving", exc_info=error)
    return DomainError(WENT_WRONG)
