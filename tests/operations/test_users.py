"""Signing in: who gets in, how long they stay, and what a link may do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import ProgrammingError

from app import clock
from app.database import begin
from app.errors import DomainError, NotAllowed, NotFound
from app.operations import invitations, lockout, passwords, users
from app.settings import settings
from app.tenancy import (
    GATE,
    SYSTEM,
    Actor,
    DatabaseRole,
    PanelRole,
    acting,
    admin_actor,
    vendor_actor,
)
from app.transact import in_transaction
from models.audit import AuditEntry
from models.users import LoginSession, OneTimeLink, SignInAttempt, User, VendorUser
from tests import make

PASSWORD = "four purple geese swim"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@lru_cache(maxsize=1)
def its_hash() -> str:
    return passwords.hashed(PASSWORD, email="nobody@example.com")


@pytest.fixture(autouse=True)
def outside_the_demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEMO", "false")
    settings.cache_clear()
    yield
    settings.cache_clear()


@dataclass
class People:
    """Two vendors; a manager of the first, a staff member of both, an admin and an analyst."""

    here: int
    there: int
    manager: int
    staff: int
    admin: int
    analyst: int


def people() -> People:
    with acting(SYSTEM), begin() as session:
        here, there = make.vendor(session, name="Alpha"), make.vendor(session, name="Beta")
        known = {"password_hash": its_hash()}
        manager, staff = (
            make.user(session, email=f"{word}@example.com", **known) for word in ("boss", "hand")
        )
        make.vendor_user(session, user=manager, role="manager", vendor_id=here.id)
        make.vendor_user(session, user=staff, vendor_id=here.id)
        make.vendor_user(session, user=staff, vendor_id=there.id)
        admin = make.user(session, email="admin@example.com", role="admin", **known)
        analyst = make.user(session, email="figures@example.com", role="analyst", **known)
        return People(here.id, there.id, manager.id, staff.id, admin.id, analyst.id)


@pytest.fixture
def some(db: Connection, at_noon: datetime) -> People:
    return people()


def attempt(
    email: str = "boss@example.com",
    password: str = PASSWORD,
    address: str = "203.0.113.7",
    **more: str,
) -> users.SignedIn | DomainError:
    with acting(GATE):
        return in_transaction(
            users.sign_in, email=email, password=password, address=address, device="Test", **more
        )


def token_for(email: str = "boss@example.com") -> str:
    opened = attempt(email)
    assert isinstance(opened, users.SignedIn), opened
    return opened.token


def actor_of(token: str) -> Actor | None:
    with acting(GATE):
        return in_transaction(users.resolve, token, clock.now())


def session_of(token: str) -> users.Standing:
    with acting(GATE):
        found = in_transaction(users.standing, token, clock.now())
    assert found is not None
    return found


def as_system(statement: object) -> None:
    with acting(SYSTEM), begin() as session:
        session.execute(statement)


def manager_of(some: People) -> Actor:
    return Actor(DatabaseRole.VENDOR, some.here, some.manager, PanelRole.MANAGER)


# --- who acts --------------------------------------------------------------------------------


def test_the_right_password_opens_a_session_for_each_role(some: People) -> None:
    assert actor_of(token_for()) == manager_of(some)
    staff = Actor(DatabaseRole.VENDOR, some.here, some.staff, PanelRole.STAFF)
    assert actor_of(token_for("hand@example.com")) == staff
    admin = Actor(DatabaseRole.ADMIN, None, some.admin, PanelRole.ADMIN)
    assert actor_of(token_for("  Admin@EXAMPLE.com ")) == admin
    analyst = Actor(DatabaseRole.ANALYST, None, some.analyst, PanelRole.ANALYST)
    assert actor_of(token_for("figures@example.com")) == analyst


def test_only_the_hash_of_the_secret_is_kept(some: People, db: Connection) -> None:
    opened = attempt()
    assert isinstance(opened, users.SignedIn)
    assert len(opened.token) >= 43
    with acting(GATE), begin() as session:
        kept = session.scalars(select(LoginSession.token_hash)).all()
    assert kept == [invitations.token_hash(opened.token)]
    assert opened.token not in kept
    assert actor_of(kept[0]) is None


@pytest.mark.parametrize("token", ["", "x", "\0", "é" * 43, "a" * 100_000, "\ud800" * 43])
def test_a_forged_secret_is_worth_nothing(some: People, token: str) -> None:
    assert actor_of(token) is None


def test_an_admin_in_a_vendor_acts_as_that_vendor_and_stays_an_admin(some: People) -> None:
    standing = session_of(token := token_for("admin@example.com"))
    own = {"session_id": standing.session_id, "user_id": some.admin}
    with acting(users.gate(some.admin)):
        in_transaction(users.enter_vendor, **own, vendor_id=some.there)
    inside = Actor(DatabaseRole.VENDOR, some.there, some.admin, PanelRole.ADMIN)
    assert actor_of(token) == inside
    with acting(users.gate(some.admin)):
        in_transaction(users.leave_vendor, **own)
    assert actor_of(token) == Actor(DatabaseRole.ADMIN, None, some.admin, PanelRole.ADMIN)


def test_people_enter_only_the_vendors_they_work_for(some: People) -> None:
    hand, boss = session_of(one := token_for("hand@example.com")), session_of(token_for())
    with acting(users.gate(some.staff)):
        in_transaction(
            users.enter_vendor,
            session_id=hand.session_id,
            user_id=some.staff,
            vendor_id=some.there,
        )
    found = actor_of(one)
    assert found is not None
    assert found.vendor_id == some.there
    for vendor_id in (some.there, 10**15):
        with acting(users.gate(some.manager)), pytest.raises(NotAllowed):
            in_transaction(
                users.enter_vendor,
                session_id=boss.session_id,
                user_id=some.manager,
                vendor_id=vendor_id,
            )
    with acting(users.gate(some.manager)), pytest.raises(NotAllowed):
        in_transaction(users.leave_vendor, session_id=boss.session_id, user_id=some.manager)
    with acting(users.gate(some.analyst)), pytest.raises(NotAllowed):
        in_transaction(users.enter_vendor, session_id=1, user_id=some.analyst, vendor_id=some.here)


def test_nobody_moves_the_session_of_another(some: People) -> None:
    standing = session_of(token := token_for())
    with acting(users.gate(some.admin)), pytest.raises(NotFound):
        in_transaction(
            users.enter_vendor,
            session_id=standing.session_id,
            user_id=some.admin,
            vendor_id=some.there,
        )
    with acting(users.gate(some.admin)), pytest.raises(NotFound):
        in_transaction(users.end_session, session_id=standing.session_id, user_id=some.admin)
    assert actor_of(token) == manager_of(some)


# --- how a session ends ----------------------------------------------------------------------


def test_a_secret_is_worth_nothing_after_sign_out(some: People) -> None:
    token = token_for()
    with acting(GATE):
        in_transaction(users.sign_out, token=token)
    assert actor_of(token) is None


def test_signing_in_again_ends_the_session_that_the_browser_had(some: People) -> None:
    first = token_for()
    second = attempt(replaces=first)
    assert isinstance(second, users.SignedIn)
    assert second.token != first
    assert actor_of(first) is None
    assert actor_of(second.token) == manager_of(some)


def test_a_session_ends_when_it_lies_idle(some: People) -> None:
    token, idle = token_for(), timedelta(minutes=settings().session_idle_minutes)
    with clock.stopped_at(NOON + idle - timedelta(seconds=1)):
        assert actor_of(token) is not None  # and this was a use
    with clock.stopped_at(NOON + 2 * idle - timedelta(seconds=2)):
        assert actor_of(token) is not None
    with clock.stopped_at(NOON + 3 * idle):
        assert actor_of(token) is None


def test_a_session_ends_for_good_however_much_it_is_used(some: People) -> None:
    token, step = token_for(), timedelta(minutes=settings().session_idle_minutes - 1)
    last = NOON + timedelta(hours=settings().session_absolute_hours)
    as_system_seen = last - step
    with acting(GATE), begin() as session:
        session.execute(update(LoginSession).values(last_seen_at=as_system_seen))
    with clock.stopped_at(last - timedelta(seconds=1)):
        assert actor_of(token) is not None
    with clock.stopped_at(last):
        assert actor_of(token) is None


def test_last_seen_is_written_once_a_minute(some: People) -> None:
    token = token_for()

    def seen_after(seconds: int) -> datetime:
        with clock.stopped_at(NOON + timedelta(seconds=seconds)):
            actor_of(token)
        with acting(GATE), begin() as session:
            return session.scalars(select(LoginSession.last_seen_at)).one()

    assert seen_after(59) == NOON
    assert seen_after(60) == NOON + timedelta(seconds=60)
    assert seen_after(100) == NOON + timedelta(seconds=60)


@pytest.mark.parametrize("what", ["deactivated", "removed", "suspended", "closed"])
def test_whoever_has_no_place_any_more_is_out_at_once(some: People, what: str) -> None:
    from models.vendors import Vendor

    token = token_for()
    assert actor_of(token) is not None
    if what == "deactivated":
        as_system(update(User).where(User.id == some.manager).values(is_active=False))
    elif what == "removed":
        with acting(SYSTEM), begin() as session:
            place = session.scalars(select(VendorUser).filter_by(user_id=some.manager)).one()
            session.delete(place)
    else:
        as_system(update(Vendor).where(Vendor.id == some.here).values(status=what))
    assert actor_of(token) is None
    assert isinstance(attempt(), DomainError)


def test_one_lists_and_ends_ones_own_sessions_only(some: People) -> None:
    mine, other, foreign = token_for(), token_for(), token_for("admin@example.com")
    boss = manager_of(some)
    with acting(boss), begin() as session:
        shown = users.sessions(session, user_id=some.manager)
        assert {one.user_id for one in shown} == {some.manager}
        assert len(shown) == 2
        assert users.sessions(session, user_id=some.admin) == []  # the database's own no
    keep = session_of(mine).session_id
    with acting(users.gate(some.manager)):
        assert in_transaction(users.end_other_sessions, user_id=some.manager, keep=keep) == 1
    assert actor_of(mine) is not None
    assert actor_of(other) is None
    assert actor_of(foreign) is not None


# --- wrong tries -----------------------------------------------------------------------------


def test_an_unknown_e_mail_and_a_wrong_password_read_alike(some: People) -> None:
    known = attempt(password="not this one", address="203.0.113.1")
    unknown = attempt("nobody@example.com", "not this one", address="203.0.113.2")
    assert isinstance(known, users.WrongPassword)
    assert isinstance(unknown, users.WrongPassword)
    assert (
        str(known)
        == str(unknown)
        == ("E-mail or password is wrong: 4 tries are left before a pause.")
    )


@pytest.mark.parametrize("email", ["boss@example.com", "nobody@example.com"])
def test_pauses_grow_with_every_wrong_try(some: People, email: str) -> None:
    for n in range(lockout.FREE_BY_EMAIL):
        assert isinstance(attempt(email, "wrong", f"198.51.100.{n}"), users.WrongPassword)
    now, pauses = NOON, []
    for n in range(9):
        with clock.stopped_at(now):
            early = attempt(email, PASSWORD, f"192.0.2.{n}")
        assert isinstance(early, lockout.TooManyTries)
        pauses.append(early.details["seconds"] // 60)
        now += timedelta(seconds=early.details["seconds"])
        with clock.stopped_at(now):
            assert isinstance(attempt(email, "wrong", f"203.0.113.{n}"), users.WrongPassword)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_pause_says_how_long_and_holds_for_the_right_password_too(some: People) -> None:
    for _ in range(5):
        attempt(password="wrong")
    refused = attempt()
    assert str(refused) == "Too many tries: wait 60 seconds, then try again."
    with clock.stopped_at(NOON + timedelta(seconds=59)):
        assert str(attempt()) == "Too many tries: wait 1 second, then try again."
    with clock.stopped_at(NOON + timedelta(seconds=60)):
        assert isinstance(attempt(), users.SignedIn)


def test_a_refused_try_in_a_pause_does_not_make_it_longer(some: People) -> None:
    for _ in range(30):
        attempt(password="wrong")
    with acting(GATE), begin() as session:
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 5


def test_a_success_starts_afresh_for_the_e_mail_but_not_for_the_address(some: People) -> None:
    for n in range(4):
        attempt(password="wrong")
        attempt(f"guess{n}@example.com", "wrong")
    token_for()
    with acting(GATE), begin() as session:
        counted = lockout.tries(session, "boss@example.com", "203.0.113.7")
    assert [t.wrong for t in counted] == [0, 8]


def test_an_address_that_tries_many_e_mails_is_paused(some: People) -> None:
    outcomes = [attempt(f"guess{n}@example.com", "wrong") for n in range(21)]
    assert isinstance(outcomes[19], users.WrongPassword)
    assert isinstance(outcomes[20], lockout.TooManyTries)
    assert isinstance(attempt(address="203.0.113.8"), users.SignedIn)


@pytest.mark.parametrize(
    ("typed", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_as_one_subscriber(typed: str, counted: str) -> None:
    assert lockout.network(typed) == counted


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_pauses_never_shrink_and_never_pass_an_hour(wrong: int, free: int) -> None:
    pause = lockout.pause_after(wrong, free)
    assert pause <= lockout.pause_after(wrong + 1, free) <= timedelta(hours=1)
    assert (pause == timedelta()) == (wrong < free)


@pytest.mark.parametrize("email", ["\0", "a\0b@example.com", "x" * 10_000, "", "é", "' OR 1=1 --"])
def test_hostile_input_is_a_wrong_password(some: People, email: str) -> None:
    assert isinstance(attempt(email, "\0" + "p" * 20_000), users.WrongPassword)


def test_guesses_at_once_are_counted_one_by_one(fresh_database: str) -> None:
    people()
    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(lambda n: attempt(password=f"wrong {n}"), range(24)))
    heard = [o for o in outcomes if isinstance(o, users.WrongPassword)]
    assert len(heard) == lockout.FREE_BY_EMAIL
    assert sum(isinstance(o, lockout.TooManyTries) for o in outcomes) == 19


# --- passwords -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short", passwords.PasswordTooShort),
        ("x" * 1001, passwords.PasswordTooLong),
        ("aaaaaaaaaaaa", passwords.PasswordTooEasy),
        ("Password123", passwords.PasswordTooEasy),
        ("BOSS@example.com", passwords.PasswordTooEasy),
        ("backroom-demo", passwords.DemoPassword),
        ("Backroom-Demo", passwords.DemoPassword),
    ],
)
def test_bad_passwords_are_refused(password: str, refusal: type[DomainError]) -> None:
    with pytest.raises(refusal):
        passwords.hashed(password, email="boss@example.com")


def test_the_demo_password_opens_nothing_outside_the_demo(
    some: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", "true")
    settings.cache_clear()
    demo = passwords.hashed(passwords.DEMO_PASSWORD, email="boss@example.com")
    as_system(update(User).where(User.id == some.manager).values(password_hash=demo))
    assert isinstance(attempt(password=passwords.DEMO_PASSWORD), users.SignedIn)
    monkeypatch.setenv("DEMO", "false")
    settings.cache_clear()
    assert isinstance(attempt(password=passwords.DEMO_PASSWORD), users.DemoAccount)


def test_an_old_hash_is_made_anew_at_sign_in(some: People) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    as_system(update(User).where(User.id == some.manager).values(password_hash=weak))
    token_for()
    with acting(GATE), begin() as session:
        kept = session.scalar(select(User.password_hash).where(User.id == some.manager))
    assert kept != weak
    assert kept is not None
    assert not passwords.is_stale(kept)
    assert isinstance(attempt(), users.SignedIn)


def test_changing_the_password_needs_the_old_one_and_ends_other_sessions(some: People) -> None:
    mine, other = token_for(), token_for()
    own = {"user_id": some.manager, "keep": session_of(mine).session_id, "address": "203.0.113.7"}

    def change(old: str, new: str) -> DomainError | None:
        with acting(users.gate(some.manager)):
            return in_transaction(users.change_password, old=old, new=new, **own)

    assert isinstance(change("not the old one", "an entirely new one"), users.WrongPassword)
    with pytest.raises(passwords.PasswordTooShort):
        change(PASSWORD, "short")
    assert change(PASSWORD, "an entirely new one") is None
    assert actor_of(mine) is not None
    assert actor_of(other) is None
    assert isinstance(attempt(), users.WrongPassword)
    assert isinstance(attempt(password="an entirely new one"), users.SignedIn)


def test_guessing_the_old_password_in_a_stolen_session_is_paused(some: People) -> None:
    own = {"user_id": some.manager, "keep": 0, "address": "203.0.113.7"}
    with acting(users.gate(some.manager)):
        outcomes = [
            in_transaction(users.change_password, old=f"guess {n}", new="entirely new", **own)
            for n in range(6)
        ]
    assert isinstance(outcomes[4], users.WrongPassword)
    assert isinstance(outcomes[5], lockout.TooManyTries)


# --- invitations -----------------------------------------------------------------------------


def test_an_invited_person_sets_a_password_once_and_signs_in(some: People) -> None:
    with acting(manager_of(some)):
        invited = in_transaction(
            users.invite, email="New@Example.com", role="staff", vendor_id=some.here
        )
    assert invited.token is not None
    assert isinstance(attempt("new@example.com", ""), users.WrongPassword)
    with acting(GATE):
        owner = in_transaction(users.use_link, token=invited.token, password=PASSWORD)
    assert owner.email == "new@example.com"
    with acting(GATE), pytest.raises(invitations.LinkSpent):
        in_transaction(users.use_link, token=invited.token, password="another good one")
    found = actor_of(token_for("new@example.com"))
    assert found == Actor(DatabaseRole.VENDOR, some.here, invited.user_id, PanelRole.STAFF)


def test_a_link_is_worth_nothing_after_a_day(some: People) -> None:
    with acting(manager_of(some)):
        token = in_transaction(users.reset, user_id=some.manager)
    too_late = clock.stopped_at(NOON + timedelta(hours=24))
    with too_late, acting(GATE), pytest.raises(invitations.LinkSpent):
        in_transaction(users.use_link, token=token, password=PASSWORD)
    with clock.stopped_at(NOON + timedelta(hours=23, minutes=59)), acting(GATE):
        in_transaction(users.use_link, token=token, password=PASSWORD)


def test_a_new_password_by_link_ends_all_sessions_pauses_and_other_links(some: People) -> None:
    token = token_for()
    for _ in range(5):
        attempt(password="wrong")
    with acting(manager_of(some)):
        one, two = (in_transaction(users.reset, user_id=some.manager) for _ in range(2))
    with acting(GATE):
        in_transaction(users.use_link, token=one, password="an entirely new one")
    assert actor_of(token) is None
    assert isinstance(attempt(password="an entirely new one"), users.SignedIn)
    with acting(GATE), pytest.raises(invitations.LinkSpent):
        in_transaction(invitations.link_owner, token=two)


def test_a_weak_password_leaves_the_link_standing(some: People) -> None:
    with acting(manager_of(some)):
        token = in_transaction(users.reset, user_id=some.manager)
    with acting(GATE), pytest.raises(passwords.DemoPassword):
        in_transaction(users.use_link, token=token, password="backroom-demo")
    with acting(GATE):
        in_transaction(users.use_link, token=token, password=PASSWORD)


def test_a_link_is_used_once_however_many_hurry(fresh_database: str) -> None:
    some = people()
    with acting(SYSTEM):
        token = in_transaction(users.reset, user_id=some.manager)

    def use(n: int) -> str:
        try:
            with acting(GATE):
                in_transaction(users.use_link, token=token, password=f"a good password {n}")
        except invitations.LinkSpent:
            return "spent"
        return "used"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(use, range(6))) == ["spent"] * 5 + ["used"]


def test_a_manager_gets_no_link_into_an_account_that_is_not_only_theirs(some: People) -> None:
    boss = manager_of(some)
    with acting(boss), pytest.raises(invitations.NotOnlyYours):
        in_transaction(users.reset, user_id=some.staff)  # works for the other vendor too
    with acting(boss), pytest.raises(NotFound):
        in_transaction(users.reset, user_id=some.admin)
    with acting(boss), pytest.raises(invitations.NotInvitable):
        in_transaction(users.invite, email="admin@example.com", role="staff", vendor_id=some.here)
    with acting(SYSTEM), begin() as session:
        elsewhere = make.user(session, email="busy@example.com")
        make.vendor_user(session, user=elsewhere, vendor_id=some.there)
    with acting(boss), pytest.raises(invitations.NotInvitable):
        in_transaction(users.invite, email="busy@example.com", role="staff", vendor_id=some.here)
    with acting(SYSTEM):
        invited = in_transaction(
            users.invite, email="busy@example.com", role="manager", vendor_id=some.here
        )
    assert invited.token is None


def test_a_manager_opens_no_other_vendor_with_an_account_made_ahead(some: People) -> None:
    """Whoever makes the account of somebody else's future employee knows its password."""
    boss = manager_of(some)
    other = Actor(DatabaseRole.VENDOR, some.there, some.manager, PanelRole.MANAGER)
    place = {"email": "victim@example.com", "role": "staff"}
    with acting(boss):
        made = in_transaction(users.invite, **place, vendor_id=some.here)
    with acting(GATE):
        in_transaction(users.use_link, token=made.token, password=PASSWORD)
    with acting(other), pytest.raises(invitations.NotInvitable):
        in_transaction(users.invite, **place, vendor_id=some.there)
    with acting(boss):
        kept = in_transaction(users.reset, user_id=made.user_id)
        in_transaction(invitations.remove, place_id=place_of(made.user_id, some.here))
    with acting(other):
        invited = in_transaction(users.invite, **place, vendor_id=some.there)
    assert invited.token is not None
    assert isinstance(attempt("victim@example.com"), users.WrongPassword)
    with acting(GATE), pytest.raises(invitations.LinkSpent):
        in_transaction(users.use_link, token=kept, password="another good one")
    with acting(GATE):
        in_transaction(users.use_link, token=invited.token, password="another good one")
    assert isinstance(attempt("victim@example.com", "another good one"), users.SignedIn)


def test_a_link_from_before_opens_no_vendor_that_came_later(some: People) -> None:
    with acting(manager_of(some)):
        made = in_transaction(
            users.invite, email="new@example.com", role="staff", vendor_id=some.here
        )
    with acting(SYSTEM):
        in_transaction(users.invite, email="new@example.com", role="staff", vendor_id=some.there)
    with acting(GATE), pytest.raises(invitations.LinkSpent):
        in_transaction(users.use_link, token=made.token, password=PASSWORD)


@pytest.mark.parametrize("victim", ["admin", "analyst", "staff"])
def test_the_database_refuses_a_vendor_such_a_link_too(some: People, victim: str) -> None:
    with acting(vendor_actor(some.here)), pytest.raises(DomainError), begin() as session:
        invitations._link(session, getattr(some, victim), invitations.LinkPurpose.RESET)
    with acting(SYSTEM), begin() as session:
        assert session.scalar(select(func.count()).select_from(OneTimeLink)) == 0


def test_staff_and_analysts_invite_nobody(some: People) -> None:
    staff = Actor(DatabaseRole.VENDOR, some.here, some.staff, PanelRole.STAFF)
    place = {"email": "x@example.com", "role": "staff", "vendor_id": some.here}
    with acting(staff), pytest.raises(NotAllowed):
        in_transaction(users.invite, **place)
    with acting(staff), pytest.raises(NotAllowed):
        in_transaction(users.reset, user_id=some.staff)
    with acting(manager_of(some)), pytest.raises(NotAllowed):
        in_transaction(users.invite, **place | {"vendor_id": some.there})
    with acting(manager_of(some)), pytest.raises(NotAllowed):
        in_transaction(users.invite, email="x@example.com", role="admin")


@pytest.mark.parametrize("email", ["", "not an address", "a\0b@example.com", "x" * 5000])
def test_only_an_e_mail_address_can_be_invited(some: People, email: str) -> None:
    with acting(manager_of(some)), pytest.raises(invitations.NoEmail):
        in_transaction(users.invite, email=email, role="staff", vendor_id=some.here)


def test_the_command_line_invites_admins_and_managers(some: People) -> None:
    with acting(SYSTEM):
        admin = in_transaction(users.invite, email="second@example.com", role="admin")
        boss = in_transaction(
            users.invite, email="chief@example.com", role="manager", vendor_id=some.there
        )
    assert admin.token
    assert boss.token
    with acting(SYSTEM), pytest.raises(invitations.AlreadyHere):
        in_transaction(users.invite, email="second@example.com", role="analyst")
    with acting(SYSTEM), pytest.raises(invitations.AlreadyHere):
        in_transaction(users.invite, email="chief@example.com", role="staff", vendor_id=some.there)
    with acting(SYSTEM), pytest.raises(invitations.NoSuchRole):
        in_transaction(users.invite, email="third@example.com", role="owner")


def place_of(user_id: int, vendor_id: int) -> int:
    with acting(SYSTEM), begin() as session:
        query = select(VendorUser.id).filter_by(user_id=user_id, vendor_id=vendor_id)
        return session.scalars(query).one()


def test_a_vendor_keeps_a_manager(some: People) -> None:
    mine = place_of(some.manager, some.here)
    with acting(manager_of(some)), pytest.raises(invitations.LastManager):
        in_transaction(invitations.change_role, place_id=mine, role="staff")
    with acting(manager_of(some)), pytest.raises(invitations.LastManager):
        in_transaction(invitations.remove, place_id=mine)
    hand = place_of(some.staff, some.here)
    with acting(manager_of(some)):
        in_transaction(invitations.change_role, place_id=hand, role="manager")
        in_transaction(invitations.change_role, place_id=mine, role="staff")


def test_a_manager_reaches_no_place_of_another_vendor(some: People) -> None:
    foreign = place_of(some.staff, some.there)
    with acting(manager_of(some)), pytest.raises(NotFound):
        in_transaction(invitations.remove, place_id=foreign)
    with acting(manager_of(some)), pytest.raises(NotFound):
        in_transaction(invitations.change_role, place_id=foreign, role="manager")
    with acting(manager_of(some)), begin() as session:
        shown = invitations.colleagues(session, vendor_id=some.there)
    assert shown == []


def test_changes_of_people_are_in_the_trail_and_passwords_are_not(some: People) -> None:
    with acting(manager_of(some)):
        invited = in_transaction(
            users.invite, email="new@example.com", role="staff", vendor_id=some.here
        )
    with acting(GATE):
        in_transaction(users.use_link, token=invited.token, password=PASSWORD)
    with acting(admin_actor()), begin() as session:
        trail = session.scalars(
            select(AuditEntry).where(AuditEntry.table_name.in_(["users", "vendor_users"]))
        ).all()
    assert some.manager in {entry.user_id for entry in trail}
    assert "argon2" not in str([(entry.old, entry.new) for entry in trail])


def test_the_gate_sees_no_customers(some: People) -> None:
    from models.customers import Customer

    with acting(GATE), pytest.raises((DomainError, ProgrammingError)), begin() as session:
        session.execute(select(Customer.id))
