from app.database import begin
from app.tenancy import acting, vendor_actor, admin_actor
from tests import make
from tests.webclient import settled
from tasks import imports as timp
def test_same(fresh_database, tmp_path):
    with settled(VAR=str(tmp_path)):
        vid = make.new_vendor()
        with acting(admin_actor()), begin() as s:
            from models.vendors import Vendor
            slug = s.get(Vendor, vid).slug
        f = tmp_path/"list.csv"
        f.write_text("name,email,phone,birthday\nQuin Ober,q@example.com,+493012345678,1990-01-02\n")
        print(timp.run_file(f, vendor_slug=slug, commit=True))
        for t in ("name,email,phone,birthday\nQuin Ober,,,1990-01-02\n", "name,email,phone,birthday\nQuin Ober,,,1990-01-02\nQ,q@example.com,,\n", "name,email,phone,birthday\nQuin Ober,other@example.com,,1990-01-02\n"):
            f.write_text(t)
            r = timp.run_file(f, vendor_slug=slug, commit=False); print({k:v for k,v in r.items() if k in ("created","unchanged","updated","skipped_duplicate")}, [p["code"] for p in r["problems"]])
