import base64, json, pytest
from app.database import begin
from app.tenancy import acting, vendor_actor
from app.web import create_app, walk_routes
from tests import make
from tests.webclient import Browser, furnish, settled, OWN
@pytest.fixture(autouse=True, scope="module")
def out():
    with settled():
        yield
def b64(x): return base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=")
VALS = ["\ufffd%ED%A0%80","NaN","-1","99999999999999999999","9223372036854775807","9223372036854775808","0001-01-01","9999-12-31","0001-01-01T00:00:00+23:59","9999-12-31T23:59:59-23:59","%F0%9F%92%A9","²",b64(["\ud800",1]),b64(["0001-01-01T00:00:00+23:59",1,1]),b64(["9999-12-31T23:59:59-23:59",1,2**62]),b64({"a":1}),b64([1]*1000),b64([]),b64(["2026-01-01T00:00:00+00:00","x","y"]),b64(["2026-01-01T00:00:00+00:00",1.5,1e300]),b64(["2026-01-01T00:00:00+00:00",-1,2**70]),"../../x","a"*3000,"'\";--","\\","%25%5F", "[", "(", "*:*", "&|!", "everything", "bookings"]
NAMES = "tab before after more at with name term search sort size columns customer vendor status show who next page cursor until since items timeline shown line full_name phone email vendor_id all filter activity_from activity_to day_from day_to placed_from due_from at_from city tag channel service product package plan holding service_type service_category product_category kind noun action user state category active period country assignee staff".split()
def test_get(db, caplog):
    house = furnish(); app = create_app(); v = house.vendors["alpha"]
    with acting(vendor_actor(v)), begin() as s:
        c = make.customer(s); ids = dict(customer=c.id, booking=make.booking(s, customer=c).id, task=make.task(s, customer=c).id, order=make.order(s, customer=c).id)
        job=make.import_job(s); ids["import"]=job.id; row=make.import_row(s, job=job)
        v2 = make.vendor
    bad=[]; n=0
    for who in ("manager@alpha.example","admin@market.example","analyst@market.example","staff@alpha.example"):
        b = Browser(app).as_(who)
        urls=set()
        for w in walk_routes(app):
            if w.method != "GET" or "statics" in w.path or "assets" in w.path: continue
            p=w.path
            if "{identity}" in p:
                for i,k in ids.items():
                    urls.add(p.replace("{identity}",i).replace("{pk:path}",str(k)).replace("{pk}",str(k)).replace("{name}","customer"))
            else:
                urls.add(p.replace("{pk}",str(c.id)).replace("{job}",str(job.id)).replace("{row}",str(row.id)).replace("{filter}","tag").replace("{noun}","customer").replace("{user}","1").replace("{token}","x").replace("{view}","1"))
        urls |= {f"/admin/customer/values/{f}" for f in ("city","service","vendor","service_category","status","plan")}
        for u in sorted(urls):
            for val in VALS:
                q = "&".join(f"{k}={val}" for k in NAMES)
                r = b.get(f"{u}?{q}", headers={"accept":"text/html"}); n+=1
                if r.status_code>=500 or "Traceback" in r.text: bad.append((who,u,val[:40],r.status_code))
    print(n); 
    for x in bad[:60]: print(x)
    seen=set()
    for r in caplog.records:
        if r.exc_info:
            k=(r.exc_info[0].__name__, str(r.exc_info[1])[:160])
            if k not in seen: seen.add(k); print(k, r.getMessage()[:120])
