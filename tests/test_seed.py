"""The demo's data is true, valid, and the same for everybody who looks."""

import pytest
from sqlalchemy import Connection, func, select

from app import seed
from app.database import begin
from app.operations import interests
from app.settings import settings
from app.tenancy import acting, admin_actor
from models.customers import Customer
from models.users import User
from models.vendors import Vendor


@pytest.fixture
def in_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "demo", True)


@pytest.mark.usefixtures("in_demo")
def test_the_demo_fills_an_empty_database_once(db: Connection) -> None:
    seed.seed()
    with acting(admin_actor()), begin() as session:
        slugs = set(session.scalars(select(Vendor.slug)))
        emails = set(session.scalars(select(User.email)))
        known = select(Customer.vendor_id, func.count()).group_by(Customer.vendor_id)
        per_vendor = {row[0]: row[1] for row in session.execute(known)}
        drift = interests.drift(session)
        visited = session.scalar(select(func.count()).where(Customer.visit_count > 0))
    assert slugs == {"aurora", "cityvet", "pawhouse", "ironworks", "greencart", "lumen"}
    assert {f"{role}@{slug}.example" for slug in slugs for role in ("manager", "staff")} <= emails
    assert {"admin@backroom.example", "analyst@backroom.example"} <= emails
    assert min(per_vendor.values()) >= 200
    assert drift == []
    assert visited
    assert visited > 800
    with pytest.raises(seed.AlreadyFilled):
        seed.seed()
