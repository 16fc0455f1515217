"""API tokens: whose they are, what they open, and when they open nothing any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, event, insert, select, update
from sqlalchemy.exc import DBAPIError

from app import clock
from app.database import SessionFactory, begin
from app.errors import NotAllowed, NotFound
from app.operations import accounts, api_tokens, invitations
from app.tenancy import GATE, SYSTEM, Actor, DatabaseRole, PanelRole, acting, vendor_actor
from app.transact import in_transaction
from models.audit import AuditEntry
from models.users import ApiToken, VendorUser
from models.vendors import Vendor
from tests import make


@dataclass
class Places:
    """Two vendors, a manager at the first, and an admin."""

    here: int
    there: int
    boss: Actor
    admin: Actor

    @property
    def inside(self) -> Actor:
        """The admin, standing in the first vendor."""
        return Actor(DatabaseRole.VENDOR, self.here, self.admin.user_id, PanelRole.ADMIN)


@pytest.fixture
def some(db: Connection, at_noon: datetime) -> Places:
    with acting(SYSTEM), begin() as session:
        here, there = make.vendor(session, name="Alpha"), make.vendor(session, name="Beta")
        boss, admin = make.user(session, name="Boss"), make.user(session, role="admin")
        make.vendor_user(session, user=boss, role="manager", vendor_id=here.id)
        return Places(
            here.id,
            there.id,
            Actor(DatabaseRole.VENDOR, here.id, boss.id, PanelRole.MANAGER),
            Actor(DatabaseRole.ADMIN, None, admin.id, PanelRole.ADMIN),
        )


def made(actor: Actor, name: str = "Web shop", days: int | None = 90) -> api_tokens.Issued:
    with acting(actor):
        return in_transaction(api_tokens.create, name=name, days=days)


def resolved(secret: str, now: datetime | None = None) -> Actor | None:
    with acting(GATE):
        return in_transaction(api_tokens.resolve_api_token, secret, now or clock.now())


def shown(actor: Actor, now: datetime | None = None) -> list[tuple[str, str]]:
    with acting(actor):
        known = in_transaction(api_tokens.listed, now=now or clock.now())
    return [(one.name, one.status) for one in known]


def test_a_token_acts_as_who_made_it_where_they_stood(some: Places) -> None:
    assert resolved(made(some.boss).secret) == some.boss
    assert resolved(made(some.admin).secret) == some.admin
    assert resolved(made(some.inside).secret) == some.inside


def test_only_the_hash_of_the_secret_is_kept(some: Places) -> None:
    issued = made(some.boss)
    assert api_tokens.SHAPE.fullmatch(issued.secret)
    with acting(SYSTEM), begin() as session:
        kept = session.execute(select(ApiToken)).scalars().one()
        assert kept.token_hash == invitations.token_hash(issued.secret)
        assert kept.prefix == issued.secret[:9]
        trail = session.scalars(select(AuditEntry).filter_by(table_name="api_tokens")).all()
        told = str([(kept.name, kept.prefix), [(e.old, e.new, e.user_id) for e in trail]])
    assert issued.secret not in told
    assert kept.token_hash not in told
    assert [entry.user_id for entry in trail] == [some.boss.user_id]


def test_a_token_ends_with_its_days_or_never(some: Places) -> None:
    month, ever = made(some.boss, days=30), made(some.boss, days=None)
    last = clock.now() + timedelta(days=30)
    assert resolved(month.secret, last - timedelta(seconds=1)) == some.boss
    assert resolved(month.secret, last) is None
    assert resolved(ever.secret, last + timedelta(days=9999)) == some.boss


def test_a_revoked_token_opens_nothing_and_stays_in_the_list(some: Places) -> None:
    issued, other = made(some.boss, "Old till"), made(some.boss, "Web shop")
    with acting(some.boss):
        for _ in range(2):
            token = in_transaction(api_tokens.revoke, token_id=issued.token.id)
    assert token.revoked_at == clock.now()
    assert resolved(issued.secret) is None
    assert resolved(other.secret) == some.boss
    assert shown(some.boss) == [("Web shop", "active"), ("Old till", "revoked")]


@pytest.mark.parametrize("what", ["deactivated", "removed", "staff", "suspended"])
def test_a_token_is_worth_no_more_than_its_user(some: Places, what: str) -> None:
    issued, place = made(some.boss), VendorUser.user_id == some.boss.user_id
    with acting(SYSTEM), begin() as session:
        if what == "deactivated":
            accounts.deactivate(session, user_id=some.boss.user_id, reason="left")
        elif what == "removed":
            session.delete(session.scalars(select(VendorUser).where(place)).one())
        elif what == "staff":
            session.execute(update(VendorUser).where(place).values(role="staff"))
        else:
            session.execute(update(Vendor).where(Vendor.id == some.here).values(status=what))
    assert resolved(issued.secret) is None


def test_the_token_of_a_former_admin_opens_nothing(some: Places) -> None:
    over_all, inside = made(some.admin), made(some.inside)
    with acting(SYSTEM), begin() as session:
        make.user(session, role="admin", password_hash="kept")
        accounts.set_role(session, user_id=some.admin.user_id, role=None)
    assert resolved(over_all.secret) is None
    assert resolved(inside.secret) is None


def test_each_sees_and_revokes_the_tokens_in_sight(some: Places) -> None:
    mine, over_all = made(some.boss, "Mine"), made(some.admin, "Over all")
    other = Actor(DatabaseRole.VENDOR, some.there, some.boss.user_id, PanelRole.MANAGER)
    assert shown(some.boss) == [("Mine", "active")]
    assert shown(other) == []
    assert shown(some.admin) == [("Over all", "active"), ("Mine", "active")]
    for token in (mine, over_all):
        with acting(other), pytest.raises(NotFound):
            in_transaction(api_tokens.revoke, token_id=token.token.id)
    with acting(some.boss), pytest.raises(NotFound):
        in_transaction(api_tokens.revoke, token_id=over_all.token.id)
    with acting(some.admin):
        in_transaction(api_tokens.revoke, token_id=mine.token.id)
    assert shown(some.boss) == [("Mine", "revoked")]


@pytest.mark.parametrize("role", [PanelRole.STAFF, PanelRole.SYSTEM])
def test_staff_hold_no_tokens(some: Places, role: PanelRole) -> None:
    who = Actor(DatabaseRole.VENDOR, some.here, some.boss.user_id, role)
    with acting(who):
        with pytest.raises(NotAllowed):
            in_transaction(api_tokens.create, name="Till", days=30)
        with pytest.raises(NotAllowed):
            in_transaction(api_tokens.revoke, token_id=1)
        with pytest.raises(NotAllowed):
            in_transaction(api_tokens.listed, now=clock.now())


@pytest.mark.parametrize("name", ["", "  ", "\0", "\n\t"])
def test_a_token_has_a_name(some: Places, name: str) -> None:
    with pytest.raises(api_tokens.NoTokenName):
        made(some.boss, name)


@pytest.mark.parametrize("days", [0, -30, 31, 10**9])
def test_a_token_lives_as_long_as_is_offered(some: Places, days: int) -> None:
    with pytest.raises(api_tokens.NoSuchLife):
        made(some.boss, days=days)


def test_there_is_an_end_to_tokens(some: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 2)
    first = made(some.boss)
    made(some.boss)
    with pytest.raises(api_tokens.TooManyTokens, match="There are 2 tokens"):
        made(some.inside)
    made(some.admin)  # counted apart
    with acting(some.boss):
        in_transaction(api_tokens.revoke, token_id=first.token.id)
    made(some.boss)


def test_last_used_is_written_once_a_minute(some: Places) -> None:
    issued, noon = made(some.boss), clock.now()

    def used_after(seconds: int) -> datetime | None:
        resolved(issued.secret, noon + timedelta(seconds=seconds))
        with acting(SYSTEM), begin() as session:
            return session.get_one(ApiToken, issued.token.id).last_used_at

    assert used_after(0) == used_after(59) == noon
    assert used_after(60) == noon + timedelta(seconds=60)
    with acting(SYSTEM), begin() as session:
        entries = session.scalars(select(AuditEntry).filter_by(table_name="api_tokens")).all()
        assert [entry.action for entry in entries] == ["create"]  # use is no change


@pytest.mark.parametrize(
    "secret", ["", "br_", "\0", "br_" + "é" * 43, "br_" + "a" * 42, "br_" + "a" * 44 + "\n",
               "x" * 100_000, "\ud800" * 46, "' OR 1=1 --"],
)  # fmt: skip
def test_what_cannot_be_a_secret_costs_no_query(some: Places, db: Connection, secret: str) -> None:
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    with acting(GATE), begin() as session:
        session.connection()
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert api_tokens.resolve_api_token(session, secret, clock.now()) is None
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
    assert asked == []


def test_a_guessed_secret_and_the_hash_itself_open_nothing(some: Places) -> None:
    issued = made(some.boss)
    guess = issued.secret[:-1] + ("A" if issued.secret[-1] != "A" else "B")
    assert resolved(guess) is None
    assert resolved(invitations.token_hash(issued.secret)) is None


def test_the_database_refuses_a_token_in_the_name_of_another(some: Places) -> None:
    row = {"vendor_id": some.here, "name": "x", "prefix": "br_x", "token_hash": "0" * 64}
    for user_id in (some.admin.user_id, 1):
        actor = vendor_actor(some.here, some.boss.user_id)
        with acting(actor), pytest.raises(DBAPIError) as caught, SessionFactory.begin() as session:
            session.execute(insert(ApiToken).values(**row, user_id=user_id))
        assert getattr(caught.value.orig, "sqlstate", None) == "42501"
    issued = made(some.boss)
    for changed in (
        {"user_id": some.admin.user_id},
        {"token_hash": "1" * 64},
        {"expires_at": None},
    ):
        with acting(some.boss), pytest.raises(DBAPIError), SessionFactory.begin() as session:
            session.execute(
                update(ApiToken).where(ApiToken.id == issued.token.id).values(**changed)
            )
