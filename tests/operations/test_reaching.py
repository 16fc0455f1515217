"""How customers may be reached: one word on it a customer, and which decision is in force."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.errors import DomainError
from app.operations import reaching
from app.tenancy import acting, admin_actor, vendor_actor
from models.customers import Consent, CustomerPreference
from tests import make


def test_a_second_word_on_preferences_is_refused_and_names_the_first(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        customer = make.customer(session, full_name="Ana Alves")
        first = reaching.begin_preferences(session, customer_id=customer.id, channel="sms")
        with pytest.raises(reaching.PreferencesKnown, match="Ana Alves") as refused:
            reaching.begin_preferences(session, customer_id=customer.id, channel="email")
        assert refused.value.details["preference_id"] == first.id
        assert session.scalars(select(CustomerPreference.channel)).all() == ["sms"]


@pytest.mark.parametrize("verb", [reaching.prefer, reaching.begin_preferences])
@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"channel": "pigeon"}, "no such channel"),
        ({"quiet_from": time(22)}, "both, or neither"),
        ({"quiet_until": time(8)}, "both, or neither"),
        ({"quiet_from": time(8), "quiet_until": time(8)}, "same time"),
    ],
)
def test_wishes_that_cannot_be_kept_are_refused(
    db: Connection, verb: Callable[..., Any], wishes: dict[str, object], sentence: str
) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        customer = make.customer(session)
        with pytest.raises(DomainError, match=sentence):
            verb(session, customer_id=customer.id, **wishes)


def test_whoever_likes_something_has_preferences(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        customer, other = make.customer(session), make.customer(session)
        reaching.prefer_categories(session, customer_id=other.id, category_ids=[])
        assert session.scalars(select(CustomerPreference)).all() == []
    with acting(vendor_actor(customer.vendor_id)), begin() as session:
        category = liked_by_all()
        for _ in range(2):
            reaching.prefer_categories(session, customer_id=customer.id, category_ids=[category])
        kept = session.scalars(select(CustomerPreference.customer_id)).all()
        assert kept == [customer.id]


def liked_by_all() -> int:
    with acting(admin_actor()), begin() as session:
        return make.category(session).id


def test_only_the_latest_decision_of_a_channel_and_purpose_is_in_force(db: Connection) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        customer, other = make.customer(session), make.customer(session)
        old = make.consent(session, customer=customer)
        new = make.consent(session, customer=customer, granted=False)
        apart = [
            make.consent(session, customer=customer, channel="sms"),
            make.consent(session, customer=customer, purpose="reminder"),
            make.consent(session, customer=other),
        ]
        assert reaching.latest(session, []) == set()
        assert reaching.latest(session, [old]) == set()
        assert reaching.latest(session, [old, new, *apart]) == {new.id, *(c.id for c in apart)}
        assert len(session.scalars(select(Consent)).all()) == 5
