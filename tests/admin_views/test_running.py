"""Long work in the top bar: a campaign that goes out shows to everybody at its vendor."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.campaigns import CampaignRun
from tests import make
from tests.admin_views.customer_house import at
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures
PAGE = {"accept": "text/html"}


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


def runs(house: House, slug: str, **fields: object) -> CampaignRun:
    with at(house, slug) as session:
        campaign = make.campaign(session, name=f"Winter <b>{slug}</b>")
        return make.campaign_run(session, campaign=campaign, **fields)


def bar(browser: Browser) -> str:
    page = browser.get("/admin/task/list", headers=PAGE).text
    return page[page.index("<header") :].partition("</header>")[0]


def test_a_campaign_that_goes_out_shows_how_far_it_is(house: House, db: Connection) -> None:
    sending = runs(house, "alpha", status="sending", meant=9, ready=8, sent=3, suppressed=1)
    runs(house, "beta", status="sending", meant=9, ready=8)
    runs(house, "alpha", status="done", meant=9, ready=8, sent=8)
    browser = Browser(application()).as_("staff@alpha.example")
    shown = bar(browser)
    assert "Sending Winter &lt;b&gt;alpha&lt;/b&gt;" in shown
    assert f'href="/admin/campaign/details/{sending.campaign_id}"' in shown
    assert f'data-poll="/admin/campaign/run/{sending.id}"' in shown
    assert 'value="4" max="8"' in shown
    assert shown.count("bk-job") == 1
    state = browser.get(f"/admin/campaign/run/{sending.id}").json()
    assert (state["done"], state["total"], state["finished"]) == (4, 8, False)
    assert state["text"] == "Sending Winter <b>alpha</b>"


def test_looking_is_work_too_and_what_is_over_is_none(house: House, db: Connection) -> None:
    looking = runs(house, "alpha", status="checking", meant=9, ready=2, left_out=1)
    browser = Browser(application()).as_("manager@alpha.example")
    assert "Looking who gets Winter" in (shown := bar(browser))
    assert 'value="3" max="9"' in shown
    with acting(vendor_actor(house.vendors["alpha"])), begin() as session:
        session.get_one(CampaignRun, looking.id).status = "checked"
    assert "bk-job" not in bar(browser)


def test_the_marketplace_is_not_told_of_every_vendors_campaigns(
    house: House, db: Connection
) -> None:
    runs(house, "alpha", status="sending", meant=9, ready=8)
    browser = Browser(application()).as_("admin@market.example")
    assert "bk-job" not in bar(browser)
