import json, logging
import pytest
from app.database import begin
from app.tenancy import acting, vendor_actor, SYSTEM, admin_actor
from app.web import create_app, walk_routes
from tests import make
from tests.webclient import Browser, furnish, settled, OWN, ORIGIN
from models.bookings import Booking

@pytest.fixture(autouse=True, scope="module")
def out():
    with settled():
        yield

NAMES = """vendor next username email password current_password new_password repeat_password name role place user reason days token
full_name phone phone_2 company birthday note channel locale time_zone anyway ids all fingerprint value due once query text how status
label line1 line2 city region postal_code country country_text id seen proof quiet_from quiet_until add remove sure with keep
customer customer_text customer_id customer_id_text vendor_id vendor_id_text service staff starts_at ends_at price kind title assignee due_at
lines-count lines-0-id lines-0-item lines-0-item_text lines-0-quantity lines-0-unit_price seen_version save variants-count variants-0-id variants-0-sku
variants-0-option variants-0-barcode variants-0-price variants-0-cost variants-0-replenishment_days variants-0-is_active package plan uses valid_days period
category parent position code max_redemptions is_active description duration_minutes buffer_before_minutes buffer_after_minutes capacity slug
strategy keys column-0 source email-marketing carry fields field-full_name field-email all""".split()

VALUES = ["", "\ud7ff\ufffd\u202e<script>alert(1)</script>", "NaN", "Infinity", "-1", "99999999999999999999999999999999", "1e400", "0000-00-00", "9999-12-31T23:59", "0001-01-01",
 "2026-03-29T02:30", "2026-10-25T02:30", "1", "0", "²", "٣", "a"*150000, "'; DROP TABLE x;--", "%", "\\", "product:1", "fee:", "package:99999999999999999999", "\x01\x7f\u200b\ufeff", "yes", "x@y.zz", "+4915112345678", "2026-11-20", "12:00", "12,50","9999999999.99", "merged", "left", "forget", "24:00:01+99:99","fee:\u0661"]

def test_all(db, caplog):
    house = furnish()
    app = create_app()
    v = house.vendors["alpha"]
    with acting(vendor_actor(v)), begin() as s:
        ids = dict(customer=make.customer(s).id, booking=make.booking(s).id, task=make.task(s).id, order=make.order(s, status="draft", number=None, placed_at=None).id,
          tag=make.tag(s).id, service=make.service(s).id, product=make.product(s).id, package=make.package(s).id, coupon=make.coupon(s).id)
        ids["membership-plan"]=make.plan(s).id; ids["membership"]=make.membership(s).id; ids["package-holding"]=make.holding(s).id
        ids["staff-member"]=make.staff_member(s).id; job=make.import_job(s); ids["import"]=job.id; ids["row"]=make.import_row(s, job=job).id
        ids["vendor"]=v
    bad = []
    done = 0
    for who in ("manager@alpha.example", "admin@market.example"):
        b = Browser(app).as_(who)
        posts = [w for w in walk_routes(app) if w.method == "POST"]
        urls = set()
        for w in posts:
            p = w.path
            if "{identity}" in p:
                for i, n in ids.items():
                    q = p.replace("{identity}", i).replace("{pk:path}", str(n)).replace("{pk}", str(n))
                    if "{name}" in q:
                        for c in ("confirm","cancel","complete","place","suspend","pause","resume","end","done","reopen"):
                            urls.add(q.replace("{name}", c))
                    else: urls.add(q)
            else:
                q = p.replace("{pk}", str(ids["customer"])).replace("{pk:path}", str(ids["customer"])).replace("{job}", str(ids["import"])).replace("{row}", str(ids["row"])).replace("{user}", str(house.users["staff@alpha.example"])).replace("{session}","1").replace("{token}","x").replace("{kind}","add_tag").replace("{view}","1").replace("{merge}","1").replace("{code}","in_file").replace("{choice}","new").replace("{name}","x")
                urls.add(q)
        urls = sorted(u for u in urls if "logout" not in u and "deactivate" not in u and "users/remove" not in u and "account/password" not in u and "/login" not in u)
        urls += ["/admin/customer/create?all=1", "/admin/customer/bulk/set_status", "/admin/customer/bulk/create_task", "/admin/customer/bulk/remove_tag"]
        for u in urls:
            for val in VALUES:
                if len(val) > 1000 and not any(k in u for k in ("create","edit","contact","log","invite")): continue
                names = NAMES if len(val) < 1000 else NAMES[:12]
                r = b.post(u, data={n: val for n in names}, headers=OWN)
                done += 1
                if r.status_code >= 500 or "Traceback" in r.text or "sqlalchemy" in r.text.lower() or "psycopg" in r.text.lower():
                    bad.append((who, u, val[:40], r.status_code))
            if r.status_code in (401,) or r.headers.get("location","").startswith("/admin/login"):
                b = Browser(app).as_(who)
    print(done)
    for x in bad: print(x)
    errs = [r for r in caplog.records if r.exc_info]
    seen=set()
    for r in errs:
        k = (str(r.exc_info[0].__name__), str(r.exc_info[1])[:200])
        if k not in seen:
            seen.add(k); print(k, r.getMessage()[:150])
    assert not bad
