"""Plotly's script, which comes with the package: served from here, never from elsewhere."""

import os
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starlette.staticfiles import StaticFiles

NAME = "plotly.min.js"
ADDRESS = f"/assets/{NAME}?v={version('plotly')}"
"""It changes with the package, so that browsers keep the four megabytes for a year."""


@lru_cache(maxsize=1)
def script() -> Path:
    """Where the package keeps it; found without the second that importing all of it takes."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(NAME)
    return Path(spec.origin).parent / "package_data" / NAME


class Assets(StaticFiles):
    """The files of the panel, and this one."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Where a file stands, and what is known of it."""
        if path == NAME:
            return str(script()), script().stat()
        return super().lookup_path(path)
