"""Django's admin on the same tables: unmanaged models, declared as its documentation does."""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import django
from django.conf import settings


def configure(database: dict[str, str]) -> None:
    """Set Django up in this process; its own tables (users, sessions) live in a small file."""
    settings.configure(
        DEBUG=False,
        SECRET_KEY="only-for-measuring",
        ALLOWED_HOSTS=["testserver"],
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "OPTIONS": {"options": "-c role=app_admin -c timezone=UTC"},
                "CONN_MAX_AGE": None,
                **database,
            },
            "own": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": tempfile.mkdtemp(prefix="backroom-bench-") + "/own.sqlite3",
            },
        },
        DATABASE_ROUTERS=[f"{__name__}.Router"],
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "import_export",
            "bench.peers",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        ROOT_URLCONF=f"{__name__}",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


class Router:
    """The marketplace's tables are in PostgreSQL, Django's own in the file beside."""

    def db_for_read(self, model: Any, **_: Any) -> str:
        return "default" if model._meta.app_label == "peers" else "own"

    db_for_write = db_for_read

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        return True


urlpatterns: list[Any] = []


def client() -> Any:
    """A signed-in test client of the admin."""
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import models
    from django.test import Client
    from django.urls import path

    class Vendor(models.Model):
        name = models.TextField()

        class Meta:
            app_label, managed, db_table = "peers", False, "vendors"

        def __str__(self) -> str:
            return self.name

    class Customer(models.Model):
        vendor = models.ForeignKey(Vendor, models.DO_NOTHING)
        full_name = models.TextField(null=True)
        phone = models.TextField(null=True)
        email = models.TextField(null=True)
        status = models.TextField(
            choices=[("active", "Active"), ("inactive", "Inactive"), ("pending_follow_up", "Wait")]
        )
        channel = models.TextField(choices=[("online", "Online"), ("partner", "Partner")])
        last_activity_at = models.DateTimeField()
        visit_count = models.BigIntegerField()
        total_spent = models.DecimalField(max_digits=12, decimal_places=2)

        class Meta:
            app_label, managed, db_table = "peers", False, "customers"

    class Category(models.Model):
        name = models.TextField()

        class Meta:
            app_label, managed, db_table = "peers", False, "categories"

        def __str__(self) -> str:
            return self.name

    class Interest(models.Model):
        customer = models.ForeignKey(Customer, models.DO_NOTHING, related_name="interests")
        category = models.ForeignKey(Category, models.DO_NOTHING, null=True)
        kind = models.TextField()
        item_id = models.BigIntegerField()

        class Meta:
            app_label, managed, db_table = "peers", False, "customer_interests"

    class CustomerAdmin(admin.ModelAdmin):
        list_display: ClassVar = [
            "full_name", "phone", "email", "vendor", "status", "last_activity_at",
            "visit_count", "total_spent",
        ]  # fmt: skip
        list_select_related: ClassVar = ["vendor"]
        list_filter: ClassVar = [
            "status", "channel", "vendor", "last_activity_at", "interests__category",
        ]  # fmt: skip
        search_fields: ClassVar = ["full_name", "phone", "email"]
        ordering: ClassVar = ["-last_activity_at", "-id"]
        list_per_page = 25
        show_full_result_count = False

    call_command("migrate", database="own", verbosity=0)
    site = admin.AdminSite()
    site.register(Customer, CustomerAdmin)
    urlpatterns.append(path("admin/", site.urls))
    client = Client()
    user = User.objects.db_manager("own").create_superuser("bench", password="bench")
    client.force_login(user)
    return client


ADDRESSES = {
    "plain": "/admin/peers/customer/",
    "vendor": "/admin/peers/customer/?vendor__id__exact={vendor}",
    "status": "/admin/peers/customer/?status__exact=inactive",
    "channel": "/admin/peers/customer/?channel__exact=partner",
    "service_category": "/admin/peers/customer/?interests__category__id__exact={service_category}",
    "product_category": "/admin/peers/customer/?interests__category__id__exact={product_category}",
    "search_name_frequent": "/admin/peers/customer/?q={frequent}",
    "search_name_rare": "/admin/peers/customer/?q={rare}",
    "search_phone": "/admin/peers/customer/?q={phone}",
    "search_email": "/admin/peers/customer/?q={email}",
    "page_400": "/admin/peers/customer/?p={page}",
}


def import_list(path: Path) -> dict[str, float]:
    """Import a customer list with django-import-export in bulk mode; seconds and peak memory.

    It checks nothing but types: no duplicates, no phone numbers, no undo.
    """
    import resource as process
    import time

    import tablib
    from django.db import models
    from import_export import fields, resources

    class Row(models.Model):
        vendor_id = models.BigIntegerField(default=1)
        full_name = models.TextField(null=True)
        email = models.TextField(null=True)
        phone = models.TextField(null=True)
        status = models.TextField(default="active")
        channel = models.TextField(default="import")

        class Meta:
            app_label, managed, db_table = "peers", False, "customers"

    class Rows(resources.ModelResource):
        full_name = fields.Field("full_name", column_name="Name")
        email = fields.Field("email", column_name="E-mail")
        phone = fields.Field("phone", column_name="Mobile")

        class Meta:
            model = Row
            fields = ("full_name", "email", "phone")
            import_id_fields = ()
            force_init_instance = True
            use_bulk = True
            batch_size = 1000

    start = time.perf_counter()
    dataset = tablib.Dataset().load(path.read_text(), format="csv", delimiter=";")
    result = Rows().import_data(dataset, raise_errors=True)
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "rows": result.total_rows,
        "peak_mb": round(process.getrusage(process.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
