"""Uses of packages: held, used, given up and given back; entries of a ledger that adds up.

Whoever writes entries holds the package in hand first; several of them in the order of their ids.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from app import clock
from app.errors import REFUSALS, DomainError
from app.operations import happenings
from app.operations.moves import locked
from models.messages import MessageEvent as Event
from models.packages import (
    EntryKind,
    HoldingStatus,
    PackageEntry,
    PackageHolding,
    PackageService,
)

FEW = 1
"""How many uses are few: whoever has no more of them hears of it, once."""
COUNTED = (
    "uses", "uses_left", "uses_held", "uses_used", "uses_forfeited", "uses_expired",
    "uses_refunded",
)  # fmt: skip


class NotEnoughUses(DomainError):
    sentence = "Only {left} of {package} is left: use another package, or take the money."
    field = "holding_id"


class NotTheirs(DomainError):
    sentence = "This package is not in this customer's hands: choose one of theirs."
    field = "holding_id"


class NotForThis(DomainError):
    sentence = "{package} is not for {service}: choose another package, or take the money."
    field = "holding_id"


class RunOut(DomainError):
    sentence = "{package} has run out by then: choose another package, or take the money."
    field = "holding_id"


class NothingToRestore(DomainError):
    sentence = "This was given back already: reload the page."


class UsesGone(DomainError):
    sentence = "Its uses went to somebody else meanwhile: reload the page and choose again."
    field = "holding_id"


REFUSALS["ck_package_holdings_uses_left_within_uses"] = UsesGone
REFUSALS["uq_package_entries_vendor_id_of_id"] = UsesGone


def hold(
    session: Session,
    *,
    holding_id: int,
    customer_id: int | None,
    service_id: int,
    at: datetime,
    uses: int = 1,
    booking_id: int | None = None,
    order_line_id: int | None = None,
) -> PackageEntry:
    """Keep uses for a booking, or for a line of an order, whose service is given at `at`.

    Refuses what is not the customer's, not for the service, run out by then, or not there.
    """
    holding = locked(session, PackageHolding, holding_id)
    check(session, holding, customer_id=customer_id, service_id=service_id, at=at, uses=uses)
    return _write(
        session, holding, EntryKind.HOLD, uses, service_id=service_id, booking_id=booking_id,
        order_line_id=order_line_id,
    )  # fmt: skip


def check(
    session: Session,
    holding: PackageHolding,
    *,
    customer_id: int | None,
    service_id: int,
    at: datetime,
    uses: int,
) -> None:
    """Refuse uses that the customer does not have for this."""
    package = holding.package
    if holding.customer_id != customer_id:
        raise NotTheirs
    if holding.expires_at is not None and holding.expires_at <= at:
        raise RunOut(package=package.name)
    most = left_for(session, holding, service_id)
    if most is None:
        from_catalogue = package.service.name if package.service else "this service"
        raise NotForThis(package=package.name, service=from_catalogue)
    if holding.status != HoldingStatus.ACTIVE or most < uses:
        raise NotEnoughUses(left=max(most, 0), package=package.name)


def left_for(session: Session, holding: PackageHolding, service_id: int) -> int | None:
    """How many uses are left for a service; None where the package is not for it."""
    package = holding.package
    named = session.execute(
        select(PackageService.service_id, PackageService.most).where(
            PackageService.vendor_id == holding.vendor_id,
            PackageService.package_id == package.id,
        )
    ).all()
    if package.service_id == service_id or (package.service_id is None and not named):
        return holding.uses_left
    most: dict[int, int | None] = {row.service_id: row.most for row in named}
    if service_id not in most:
        return None
    cap = most[service_id]
    if cap is None:
        return holding.uses_left
    return min(holding.uses_left, cap - spent_on(session, holding.id).get(service_id, 0))


def spent_on(session: Session, holding_id: int) -> dict[int, int]:
    """How many uses are held or gone for each service."""
    later = aliased(PackageEntry)
    back = exists().where(
        later.vendor_id == PackageEntry.vendor_id, later.of_id == PackageEntry.id,
        later.kind.in_([EntryKind.RELEASE, EntryKind.RESTORE]),
    )  # fmt: skip
    # A use that goes on from a hold counts as that hold.
    first = PackageEntry.kind.in_([EntryKind.HOLD, EntryKind.USE]) & PackageEntry.of_id.is_(None)
    ended = aliased(PackageEntry)
    restored = (
        select(ended.of_id)
        .join(later, (later.vendor_id == ended.vendor_id) & (later.of_id == ended.id))
        .where(ended.holding_id == holding_id, later.kind == EntryKind.RESTORE)
        .where(ended.of_id.is_not(None))
    )
    rows = session.execute(
        select(PackageEntry.service_id, func.sum(PackageEntry.uses))
        .where(PackageEntry.holding_id == holding_id, first, ~back)
        .where(PackageEntry.service_id.is_not(None), PackageEntry.id.not_in(restored))
        .group_by(PackageEntry.service_id)
    )
    return {service_id: int(count) for service_id, count in rows if service_id is not None}


def open_holds(
    session: Session, *, booking_id: int | None = None, order_line_ids: Sequence[int] = ()
) -> list[PackageEntry]:
    """What is held for a booking or for lines of an order, and nothing has become of yet."""
    after = aliased(PackageEntry)
    mine = (
        PackageEntry.booking_id == booking_id
        if booking_id is not None
        else PackageEntry.order_line_id.in_(order_line_ids)
    )
    query = (
        select(PackageEntry)
        .where(mine, PackageEntry.kind == EntryKind.HOLD)
        .where(
            ~exists().where(
                after.vendor_id == PackageEntry.vendor_id, after.of_id == PackageEntry.id
            )
        )
        .order_by(PackageEntry.holding_id, PackageEntry.id)
    )
    return list(session.scalars(query))


def end_holds(
    session: Session,
    kind: EntryKind,
    *,
    booking_id: int | None = None,
    order_line_ids: Sequence[int] = (),
) -> list[PackageEntry]:
    """Let what is held for a booking or for lines be used, released or forfeited; once."""
    if booking_id is None and not order_line_ids:
        return []
    found = open_holds(session, booking_id=booking_id, order_line_ids=order_line_ids)
    if not found:
        return []
    _hold_all(session, {one.holding_id for one in found})
    still = open_holds(session, booking_id=booking_id, order_line_ids=order_line_ids)
    return [_go_on(session, one, kind) for one in still]


def use_one(session: Session, *, holding_id: int, service_id: int | None = None) -> PackageEntry:
    """Tick a use off by hand, for a visit that was neither booked nor sold here."""
    holding = locked(session, PackageHolding, holding_id)
    package = holding.package
    service = service_id or package.service_id
    if holding.expires_at is not None and holding.expires_at <= clock.now():
        raise RunOut(package=package.name)
    most = holding.uses_left if service is None else left_for(session, holding, service)
    if not most or holding.status != HoldingStatus.ACTIVE:
        raise NotEnoughUses(left=most or 0, package=package.name)
    return _write(session, holding, EntryKind.USE, 1, service_id=service)


def restore(session: Session, *, entry_id: int) -> PackageEntry:
    """Give back what was used, forfeited or has run out, such as out of goodwill; once."""
    entry = session.get_one(PackageEntry, entry_id)
    if entry.kind not in (EntryKind.USE, EntryKind.FORFEIT, EntryKind.EXPIRE):
        raise NothingToRestore("Only what was used, forfeited or has run out can be given back.")
    holding = locked(session, PackageHolding, entry.holding_id)
    if holding.status == HoldingStatus.CANCELLED:
        raise NothingToRestore("This package was taken back: hand out another one instead.")
    if holding.expires_at is not None and holding.expires_at <= clock.now():
        raise NothingToRestore("This package has run out: extend it first.")
    followed = select(PackageEntry.id).where(
        PackageEntry.vendor_id == entry.vendor_id, PackageEntry.of_id == entry.id
    )
    if session.scalars(followed).first() is not None:
        raise NothingToRestore
    return _go_on(session, entry, EntryKind.RESTORE)


def restore_last(session: Session, *, holding_id: int) -> PackageEntry:
    """Give the newest use back that was used or forfeited and not given back since."""
    later = aliased(PackageEntry)
    query = (
        select(PackageEntry.id)
        .where(
            PackageEntry.holding_id == holding_id,
            PackageEntry.kind.in_([EntryKind.USE, EntryKind.FORFEIT]),
            ~exists().where(
                later.vendor_id == PackageEntry.vendor_id, later.of_id == PackageEntry.id
            ),
        )
        .order_by(PackageEntry.id.desc())
        .limit(1)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NothingToRestore
    return restore(session, entry_id=found)


def latest(session: Session, kind: EntryKind, *, booking_id: int) -> list[PackageEntry]:
    """The last entries of packages for a booking, where they are of this kind."""
    later = aliased(PackageEntry)
    query = (
        select(PackageEntry)
        .where(PackageEntry.booking_id == booking_id, PackageEntry.kind == kind)
        .where(
            ~exists().where(
                later.vendor_id == PackageEntry.vendor_id, later.booking_id == booking_id,
                later.holding_id == PackageEntry.holding_id, later.id > PackageEntry.id,
                later.kind != EntryKind.EXPIRE,
            )
        )
        .order_by(PackageEntry.holding_id)
    )  # fmt: skip
    return list(session.scalars(query))


def take_again(session: Session, entry: PackageEntry, kind: EntryKind) -> bool:
    """What was released is held again, or used, if so many are left; whether they were."""
    holding = locked(session, PackageHolding, entry.holding_id)
    if holding.uses_left < entry.uses:
        return False
    _write(
        session, holding, kind, entry.uses, service_id=entry.service_id,
        booking_id=entry.booking_id, order_line_id=entry.order_line_id,
    )  # fmt: skip
    return True


def take_anew(session: Session, entry: PackageEntry, kind: EntryKind) -> None:
    """What was forfeited is held again, or used after all, whatever has run out meanwhile."""
    holding = locked(session, PackageHolding, entry.holding_id)
    _go_on(session, entry, EntryKind.RESTORE)
    _write(
        session, holding, kind, entry.uses, service_id=entry.service_id,
        booking_id=entry.booking_id, order_line_id=entry.order_line_id,
    )  # fmt: skip


def story(session: Session, *, booking_id: int) -> list[tuple[PackageEntry, str]]:
    """The holds for a booking that were not followed by another one, and what became of each."""
    query = (
        select(PackageEntry)
        .where(PackageEntry.booking_id == booking_id)
        .options(joinedload(PackageEntry.holding).joinedload(PackageHolding.package))
        .order_by(PackageEntry.id)
    )
    last: dict[int, PackageEntry] = {}
    for entry in session.scalars(query):
        last[entry.holding_id] = entry
    words = {
        EntryKind.HOLD: "held", EntryKind.USE: "used", EntryKind.RELEASE: "released",
        EntryKind.FORFEIT: "forfeited", EntryKind.RESTORE: "given back",
        EntryKind.EXPIRE: "released",
    }  # fmt: skip
    return [(entry, words.get(EntryKind(entry.kind), entry.kind)) for entry in last.values()]


def write(session: Session, holding: PackageHolding, kind: EntryKind, uses: int) -> PackageEntry:
    """An entry of a package that is held: granted, run out, or given back for money."""
    return _write(session, holding, kind, uses)


# --- behind the verbs ---------------------------------------------------------------------------


def _hold_all(session: Session, ids: Iterable[int]) -> None:
    rows = select(PackageHolding).where(PackageHolding.id.in_(sorted(ids)))
    held = rows.order_by(PackageHolding.id).with_for_update()
    session.scalars(held.execution_options(populate_existing=True)).all()


def _go_on(session: Session, entry: PackageEntry, kind: EntryKind) -> PackageEntry:
    holding = session.get_one(PackageHolding, entry.holding_id)
    after = _write(
        session, holding, kind, entry.uses, service_id=entry.service_id,
        booking_id=entry.booking_id, order_line_id=entry.order_line_id, of_id=entry.id,
    )  # fmt: skip
    over = holding.expires_at is not None and holding.expires_at <= clock.now()
    if kind == EntryKind.RELEASE and over:
        _write(session, holding, EntryKind.EXPIRE, entry.uses)
    return after


def _write(
    session: Session,
    holding: PackageHolding,
    kind: EntryKind,
    uses: int,
    *,
    service_id: int | None = None,
    booking_id: int | None = None,
    order_line_id: int | None = None,
    of_id: int | None = None,
) -> PackageEntry:
    entry = PackageEntry(
        vendor_id=holding.vendor_id, holding_id=holding.id, kind=kind, uses=uses,
        service_id=service_id, booking_id=booking_id, order_line_id=order_line_id, of_id=of_id,
        at=clock.now(),
    )  # fmt: skip
    session.add(entry)
    session.flush()  # the database counts it, or says that there are not so many
    session.refresh(holding, COUNTED)
    holding.status = status_of(holding)
    if kind in (EntryKind.HOLD, EntryKind.USE) and holding.uses_left <= FEW < holding.uses:
        happenings.tell(
            session, Event.PACKAGE_LOW, customer_id=holding.customer_id, holding_id=holding.id
        )
    return entry


def status_of(holding: PackageHolding) -> str:
    """Where a package stands by its numbers; one that was taken back stays so."""
    if holding.status == HoldingStatus.CANCELLED:
        return holding.status
    if holding.expires_at is not None and holding.expires_at <= clock.now():
        return holding.status if holding.uses_left else HoldingStatus.EXPIRED
    there = holding.uses_left + holding.uses_held
    return HoldingStatus.ACTIVE if there else HoldingStatus.USED_UP
