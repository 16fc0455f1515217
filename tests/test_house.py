"""The house's own rules: layers, the lock file, and what no committed file may name."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Written in pieces, so that this file does not name them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
    )
]


def committed() -> list[Path]:
    """Every file that git keeps, or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    names = listed.stdout.decode().split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def test_imports_point_downwards() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kept, 0 broken" in done.stdout


def test_no_committed_file_names_a_package_registry() -> None:
    naming = [
        (path.name, host)
        for path in committed()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert naming == []


def test_the_lock_pins_every_package_with_hashes_and_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"^\s*-(-index|-extra-index|i |f |-find-links)", lock, re.MULTILINE)
    packages = re.split(r"\n(?=[a-zA-Z0-9])", lock.strip())
    assert len(packages) > 30
    for package in packages:
        assert re.match(r"[\w.\-\[\]]+==\S+", package), package[:80]
        assert "--hash=sha256:" in package, package[:80]


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    lock = (ROOT / "requirements.lock").read_text()
    for pin in wanted:
        name, version = re.match(r"([\w.\-]+)(?:\[[\w,]+\])?==([^;]+)", pin).groups()
        line = rf"^{re.escape(name)}(\[[\w,]+\])?=={re.escape(version.strip())}(\s|$)"
        assert re.search(line, lock, re.MULTILINE | re.IGNORECASE), name
