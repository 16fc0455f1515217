"""Every setting, with its default, read once from the environment.

The README's table of settings is checked against this class by a test.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.money import decimals_of


def _known_currency(code: str) -> str:
    decimals_of(code)
    return code


class Settings(BaseSettings):
    """What an installation may decide; every name is an environment variable in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: str | None = Field(
        None, description="The application's login on PostgreSQL 16 or newer; empty: embedded."
    )
    owner_database_url: str | None = Field(
        None, description="The owner's login (needs CREATEROLE), for migrate, seed and check only."
    )
    redis_url: str | None = Field(None, description="Redis 6 or newer; empty: embedded.")
    var: Path = Field(Path("var"), description="Where embedded servers, uploads and logs live.")
    secret_key: str | None = Field(
        None,
        description="Signs cookies, 32 characters or more; needed outside the demo.",
    )
    demo: bool = Field(
        False, description="Set by `demo` alone: plain-HTTP cookies, demo password, loopback only."
    )
    public_url: str = Field(
        "http://127.0.0.1:8000", description="The address people type, used in links."
    )
    allowed_hosts: str = Field("*", description="Host names answered to, separated by commas.")
    currency: Annotated[str, AfterValidator(_known_currency)] = Field(
        "EUR", description="ISO 4217 code of the installation's one currency (0 or 2 decimals)."
    )
    locale: str = Field("en", description="How numbers and dates are written.")
    database_pool_size: int = Field(40, ge=2, description="Connections a web process may hold.")
    session_idle_minutes: int = Field(
        120, ge=1, description="A login session ends after this long without a request."
    )
    session_absolute_hours: int = Field(
        24 * 14, ge=1, description="A login session ends this long after sign-in at the latest."
    )
    import_max_bytes: int = Field(500_000_000, ge=1, description="Largest list that is read.")
    import_max_rows: int = Field(2_000_000, ge=1, description="Most rows of a list.")
    import_max_pages: int = Field(500, ge=1, description="Most pages of a PDF list.")
    import_max_cells: int = Field(500, ge=1, description="Most cells in a row of a list.")
    bulk_inline_limit: int = Field(
        1000, ge=0, description="Bulk changes up to this many records run at once, more as a job."
    )
    count_cap: int = Field(10_000, ge=100, description="Lists count exactly up to this number.")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` reads them again."""
    return Settings()
