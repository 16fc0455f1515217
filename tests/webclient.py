"""The whole application in a browser's hands: real cookies, real roles, a real database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpx2
from starlette.applications import Starlette

from app.database import begin
from app.operations import passwords
from app.settings import settings
from app.tenancy import SYSTEM, acting
from app.web import create_app
from tests import make
from tests.in_process import InProcess

ORIGIN = "https://panel.example"
OWN = {"sec-fetch-site": "same-origin"}
PASSWORD = "four purple geese swim"
SECRET = "a long random word that only tests would use"
ROLES = ("admin", "analyst", "manager", "staff")


@lru_cache(maxsize=1)
def its_hash() -> str:
    """The hash of everybody's password."""
    return passwords.hashed(PASSWORD, email="nobody@example.com")


@dataclass
class House:
    """Two vendors with a manager and a staff member each, and the marketplace's two."""

    vendors: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)


def furnish() -> House:
    """Make the house; e-mails are role@vendor.example, or role@market.example."""
    house = House()
    with acting(SYSTEM), begin() as session:
        for role in ("admin", "analyst"):
            email = f"{role}@market.example"
            user = make.user(session, email=email, role=role, password_hash=its_hash())
            house.users[email] = user.id
        for slug in ("alpha", "beta"):
            vendor = make.vendor(session, slug=slug, name=slug.capitalize())
            house.vendors[slug] = vendor.id
            for role in ("manager", "staff"):
                email = f"{role}@{slug}.example"
                user = make.user(session, email=email, password_hash=its_hash())
                place = make.vendor_user(session, user=user, role=role, vendor_id=vendor.id)
                house.users[email], house.places[email] = user.id, place.id
    return house


@contextmanager
def settled(**environment: str) -> Iterator[None]:
    """Settings as given, outside the demo unless said otherwise."""
    import os

    given = {"DEMO": "false", "SECRET_KEY": SECRET, "PUBLIC_URL": ORIGIN} | environment
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        settings.cache_clear()


@lru_cache(maxsize=1)
def application() -> Starlette:
    """The application as it stands outside the demo, built once: it keeps nothing of a request."""
    with settled():
        return create_app()


class Browser(httpx2.Client):
    """A browser without scripts; it stays where a redirect points from."""

    def __init__(self, app: Starlette, **options: Any) -> None:
        self.app = app
        plain = {"accept-encoding": "identity"}  # packing every page costs more than drawing it
        super().__init__(transport=InProcess(app), base_url=ORIGIN, headers=plain, **options)

    def sign_in(self, email: str, password: str = PASSWORD, **form: str):  # type: ignore[no-untyped-def]
        """Post the door's form."""
        typed = {"username": email, "password": password} | form
        return self.post("/admin/login", data=typed, headers=OWN)

    def as_(self, email: str) -> "Browser":
        """Sign in, and be sure of it."""
        answer = self.sign_in(email)
        assert answer.status_code == 303, answer.text
        return self


def email_of(role: str) -> str:
    """Who plays a role in tests."""
    return f"{role}@market.example" if role in ("admin", "analyst") else f"{role}@alpha.example"


Opened = Callable[[], Browser]
