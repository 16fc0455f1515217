"""What the marketplace decides about users: who may sign in, and who is an admin."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotAllowed, NotFound
from app.operations import accounts, invitations, users
from app.tenancy import GATE, SYSTEM, Actor, DatabaseRole, PanelRole, acting
from app.transact import in_transaction
from models.audit import AuditEntry
from models.users import LoginSession, User, VendorUser
from tests import make


@dataclass
class Market:
    """Two admins, an analyst, and somebody who works at a vendor."""

    vendor: int
    first: int
    second: int
    analyst: int
    hand: int


def market() -> Market:
    with acting(SYSTEM), begin() as session:
        vendor = make.vendor(session, name="Alpha")
        known = {"password_hash": "kept"}
        first, second = (make.user(session, role="admin", **known) for _ in range(2))
        analyst = make.user(session, role="analyst", **known)
        hand = make.user(session, name="Ana Reis", email="ana@example.com", **known)
        make.vendor_user(session, user=hand, vendor_id=vendor.id)
        return Market(vendor.id, first.id, second.id, analyst.id, hand.id)


@pytest.fixture
def some(db: Connection) -> Market:
    return market()


def admin(user_id: int) -> Actor:
    return Actor(DatabaseRole.ADMIN, None, user_id, PanelRole.ADMIN)


def signed_in(user_id: int, vendor_id: int | None = None) -> str:
    """A live session's secret."""
    token, now = invitations.new_token(), clock.now()
    with acting(users.gate(user_id)), begin() as session:
        session.add(
            LoginSession(
                token_hash=invitations.token_hash(token), user_id=user_id, vendor_id=vendor_id,
                created_at=now, last_seen_at=now, expires_at=now + timedelta(days=365),
            )
        )  # fmt: skip
    return token


def actor_of(token: str) -> Actor | None:
    with acting(GATE):
        return in_transaction(users.resolve, token, clock.now())


def one(user_id: int) -> accounts.Account:
    with acting(SYSTEM):
        return in_transaction(accounts.account, user_id=user_id)


def test_whoever_is_deactivated_is_out_at_once_and_the_reason_is_kept(some: Market) -> None:
    token = signed_in(some.hand, some.vendor)
    assert actor_of(token) is not None
    assert one(some.hand).devices == 1
    with acting(admin(some.first)):
        in_transaction(accounts.deactivate, user_id=some.hand, reason="  Left\nin May ")
    assert actor_of(token) is None
    known = one(some.hand)
    assert (known.is_active, known.reason, known.devices) == (False, "Left in May", 0)
    assert [(p.vendor, p.role) for p in known.places] == [("Alpha", "staff")]
    with acting(admin(some.first)):
        in_transaction(accounts.reactivate, user_id=some.hand)
    assert (one(some.hand).is_active, one(some.hand).reason) == (True, None)
    assert actor_of(token) is None  # the old session does not come back to life
    assert actor_of(signed_in(some.hand, some.vendor)) is not None


def test_a_reason_is_asked_for(some: Market) -> None:
    for reason in ("", "  \n "):
        with acting(admin(some.first)), pytest.raises(accounts.NoReason) as caught:
            in_transaction(accounts.deactivate, user_id=some.hand, reason=reason)
        assert caught.value.field == "reason"
    with acting(admin(some.first)):
        in_transaction(accounts.deactivate, user_id=some.hand, reason="x" * 9000)
    assert len(one(some.hand).reason or "") == accounts.LONGEST_REASON


def test_a_role_is_given_changed_and_taken_and_they_sign_in_anew(some: Market) -> None:
    token = signed_in(some.hand, some.vendor)
    for role in ("analyst", "admin", None):
        with acting(admin(some.first)):
            in_transaction(accounts.set_role, user_id=some.hand, role=role)
        assert one(some.hand).role == role
        assert actor_of(token) is None
        token = signed_in(some.hand, some.vendor)
        found = actor_of(token)
        assert found is not None
        assert found.panel_role == (role or "staff")
    with acting(admin(some.first)):
        in_transaction(accounts.set_role, user_id=some.hand, role=None)
    assert actor_of(token) is not None  # nothing changed, nobody was signed out


def test_a_link_from_before_opens_no_role_that_came_later(some: Market) -> None:
    """A manager may have made it for one of their people, and kept it."""
    boss = Actor(DatabaseRole.VENDOR, some.vendor, some.hand, PanelRole.MANAGER)
    with acting(boss):
        link = in_transaction(invitations.reset, user_id=some.hand)
    with acting(admin(some.first)):
        in_transaction(accounts.set_role, user_id=some.hand, role="admin")
    with acting(GATE), pytest.raises(invitations.LinkSpent):
        in_transaction(invitations.use_link, token=link, password="four purple geese swim")


@pytest.mark.parametrize("role", ["owner", "system", "manager", "", "admin "])
def test_only_roles_of_the_marketplace_are_given(some: Market, role: str) -> None:
    with acting(admin(some.first)), pytest.raises(invitations.NoSuchRole):
        in_transaction(accounts.set_role, user_id=some.hand, role=role)


def test_nobody_decides_about_themselves(some: Market) -> None:
    mine: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (accounts.deactivate, {"reason": "enough"}),
        (accounts.reactivate, {}),
        (accounts.set_role, {"role": None}),
    ]
    for verb, arguments in mine:
        with acting(admin(some.first)), pytest.raises(accounts.NotYourself):
            in_transaction(verb, user_id=some.first, **arguments)


def test_the_last_admin_who_can_sign_in_stays(some: Market) -> None:
    with acting(SYSTEM), begin() as session:
        invited = make.user(session, role="admin").id  # no password yet: lets nobody in
    with acting(SYSTEM):
        in_transaction(accounts.deactivate, user_id=some.first, reason="left")
        for verb, arguments in (
            (accounts.deactivate, {"reason": "left"}),
            (accounts.set_role, {"role": "analyst"}),
            (accounts.set_role, {"role": None}),
        ):
            with pytest.raises(accounts.LastAdmin):
                in_transaction(verb, user_id=some.second, **arguments)
        in_transaction(accounts.deactivate, user_id=invited, reason="never came")
        in_transaction(accounts.reactivate, user_id=some.first)
        in_transaction(accounts.set_role, user_id=some.second, role=None)


@pytest.mark.parametrize("actor", ["manager", "analyst", "inside"])
def test_only_the_marketplace_decides(some: Market, actor: str) -> None:
    who = {
        "manager": Actor(DatabaseRole.VENDOR, some.vendor, some.first, PanelRole.MANAGER),
        "analyst": Actor(DatabaseRole.ANALYST, None, some.analyst, PanelRole.ANALYST),
        "inside": Actor(DatabaseRole.VENDOR, some.vendor, some.first, PanelRole.ADMIN),
    }[actor]
    with acting(who), pytest.raises(NotAllowed):
        in_transaction(accounts.deactivate, user_id=some.hand, reason="because")
    with acting(who), pytest.raises(NotAllowed):
        in_transaction(accounts.set_role, user_id=some.hand, role="admin")
    assert one(some.hand).is_active


@pytest.mark.parametrize("user_id", [1, 10**15])
def test_the_system_is_no_person(some: Market, user_id: int) -> None:
    with acting(admin(some.first)):
        with pytest.raises(NotFound):
            in_transaction(accounts.account, user_id=user_id)
        with pytest.raises(NotFound):
            in_transaction(accounts.deactivate, user_id=user_id, reason="because")


def test_a_manager_sees_their_own_people_only(some: Market) -> None:
    boss = Actor(DatabaseRole.VENDOR, some.vendor, some.first, PanelRole.MANAGER)
    with acting(boss):
        assert in_transaction(accounts.account, user_id=some.hand).name == "Ana Reis"
        with pytest.raises(NotFound):
            in_transaction(accounts.account, user_id=some.analyst)


def test_people_are_found_by_name_and_e_mail_at_every_vendor(some: Market) -> None:
    def found(words: str) -> list[tuple[int, tuple[str, ...]]]:
        with acting(admin(some.first)), begin() as session:
            return [(c.user_id, c.homes) for c in accounts.find(session, words=words)]

    assert found("reis ANA@") == [(some.hand, ("Alpha",))]
    assert found("%") == found("_%") == found("nobody of that name") == []


def test_who_decided_is_in_the_trail(some: Market) -> None:
    with acting(admin(some.first)):
        in_transaction(accounts.deactivate, user_id=some.hand, reason="left")
    with acting(SYSTEM), begin() as session:
        entry = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.table_name == "users", AuditEntry.row_id == some.hand)
            .order_by(AuditEntry.id.desc())
        ).first()
        assert entry is not None
        assert entry.user_id == some.first
        assert entry.new == {"is_active": False, "inactive_reason": "left"}


def test_two_admins_cannot_put_each_other_out(fresh_database: str) -> None:
    some, gate = market(), threading.Barrier(2)

    def out(pair: tuple[int, int]) -> str:
        with acting(admin(pair[0])):
            gate.wait()
            try:
                in_transaction(accounts.deactivate, user_id=pair[1], reason="a quarrel")
            except DomainError as refusal:
                return refusal.code
        return "out"

    def strip(session: Session) -> list[int]:
        admins = select(User.id).where(User.role == "admin", User.is_active)
        return list(session.scalars(admins))

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(out, [(some.first, some.second), (some.second, some.first)]))
    assert outcomes == ["LastAdmin", "out"]
    with acting(SYSTEM):
        assert len(in_transaction(strip)) == 1


def test_a_place_is_taken_away_by_the_marketplace(some: Market) -> None:
    token = signed_in(some.hand, some.vendor)
    place = one(some.hand).places[0].place_id
    with acting(admin(some.first)):
        in_transaction(invitations.remove, place_id=place)
    assert actor_of(token) is None
    with acting(SYSTEM), begin() as session:
        assert session.get(VendorUser, place) is None
