"""The embedded servers: started for real, killed for real, on data that must survive."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from app.embedded import (
    FAST,
    AlreadyRunning,
    DidNotStart,
    NoRedis,
    NotReachable,
    Postgres,
    Redis,
    data_dir,
    places,
    postgres,
    running,
    running_redis,
)
from app.embedded import redis as embedded_redis
from app.processes import Lock, spawn

ROOT = Path(__file__).parent.parent
AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="only root is more than others")


def query(server: Postgres, statement: str) -> object:
    """The first value that a statement returns."""
    where = server.address
    with psycopg.connect(
        host=where.socket_dir, port=where.port, user="postgres", dbname="postgres"
    ) as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[call-overload]
        return row[0] if row else None


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that PostgreSQL's user can reach (pytest's own are closed for root)."""
    path = Path(tempfile.mkdtemp(prefix="br-", dir="/tmp"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory() as path:
        yield path


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Data that are made once; each test starts a server on them and stops it."""
    with open_directory() as path:
        with Postgres.start(path, settings=FAST) as server:
            kept(server)
        yield path


def kept(server: Postgres) -> None:
    with psycopg.connect(
        host=server.address.socket_dir, user="postgres", dbname="postgres"
    ) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.commit()


def gone(pid: int, seconds: float = 60) -> bool:
    """Whether a process is no more, or is no more within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def owner(script: str, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Another process of ours that starts a server and then sleeps; the words it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().split()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


POSTGRES_OWNER = """
import sys, time
from pathlib import Path
from app.embedded import FAST, Postgres
server = Postgres.start(Path(sys.argv[1]), settings=FAST, note="http://127.0.0.1:4711")
print(server.child.pid, flush=True)
time.sleep(60)
"""
REDIS_OWNER = """
import sys, time
from pathlib import Path
from app.embedded import Redis
server = Redis.start(Path(sys.argv[1]))
print(server.child.pid, server.url, flush=True)
time.sleep(60)
"""


def test_it_starts_answers_and_stops_leaving_no_process(home: Path) -> None:
    assert running(home) is None
    with Postgres.start(home, settings=FAST) as server:
        assert server.alive
        assert running(home) == server.address
        assert query(server, "SELECT answer FROM kept") == 42
        assert "host=" in server.url("backroom", "backroom_app")
        child = server.child
    assert child is not None
    assert gone(child.pid, 0.1)
    assert running(home) is None


def test_sorting_is_by_code_point_and_letters_know_their_case(home: Path) -> None:
    with Postgres.start(home, settings=FAST) as server:
        assert query(server, "SELECT 'Z' < 'a' AND upper('é') = 'É'") is True
        assert query(server, "SHOW server_encoding") == "UTF8"
        assert query(server, "SHOW timezone") == "UTC"
        assert query(server, "SHOW fsync") == "off"


def test_a_ctrl_c_at_the_terminal_does_not_reach_the_server(home: Path) -> None:
    with Postgres.start(home, settings=FAST) as server:
        assert server.child is not None
        assert os.getpgid(server.child.pid) != os.getpgid(0)


def test_only_its_user_may_enter_the_data_and_the_socket(home: Path) -> None:
    with Postgres.start(home, settings=FAST) as server:
        for private in (server.data, Path(server.address.socket_dir)):
            found = private.stat()
            assert stat.S_IMODE(found.st_mode) & 0o077 == 0
            assert found.st_uid != 0


def test_a_second_start_says_who_has_the_data(home: Path) -> None:
    with owner(POSTGRES_OWNER, home) as (process, _):
        with pytest.raises(AlreadyRunning) as refusal:
            Postgres.start(home, settings=FAST)
        assert str(process.pid) in str(refusal.value)
        assert "http://127.0.0.1:4711" in str(refusal.value)
        assert running(home) is not None


def test_the_same_process_cannot_start_twice_either(home: Path) -> None:
    with Postgres.start(home, settings=FAST) as server:
        with pytest.raises(AlreadyRunning):
            Postgres.start(home, settings=FAST)
        assert query(server, "SELECT 1") == 1


def test_a_killed_owner_takes_the_server_along_and_the_data_start_again(home: Path) -> None:
    with owner(POSTGRES_OWNER, home) as (process, [pid]):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert running(home) is None
        with Postgres.start(home, settings=FAST) as server:
            assert gone(int(pid), 0.1)
            assert query(server, "SELECT answer FROM kept") == 42


def test_a_server_whose_owner_is_gone_is_ended_before_the_next_start(home: Path) -> None:
    with Postgres.start(home, settings=FAST) as server:
        user, programs = server.user, places.programs_for(server.user)
    left = spawn(
        [programs / "bin" / "postgres", "-D", server.data, "-c", "listen_addresses=",
         "-c", f"unix_socket_directories={home / 'run'}"],
        log=subprocess.DEVNULL, user=user, environment={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (home / "run" / ".s.PGSQL.5432").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    with Postgres.start(home, settings=FAST) as again:
        assert left.wait(1) is not None
        assert query(again, "SELECT answer FROM kept") == 42


def test_a_process_that_now_has_the_old_number_does_not_keep_it_from_starting(home: Path) -> None:
    file = home / "data" / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{home / 'data'}\n1\n5432\n/tmp\n\n0 0\nready   \n")
    with Postgres.start(home, settings=FAST) as server:
        assert query(server, "SELECT answer FROM kept") == 42


@pytest.mark.parametrize(
    "words", ["", "\0", "[]", "{", '{"pid": -1}', '{"pid": true, "since": NaN}',
              '{"pid": 1e400}', '{"pid": 99999999999999999999, "socket_dir": 7}'],
)  # fmt: skip
def test_a_damaged_lock_file_means_that_nobody_runs(directory: Path, words: str) -> None:
    (directory / "lock").write_text(words)
    assert running(directory) is None
    assert running_redis(directory) is None
    assert not Lock(directory / "lock").owner_lives()


def test_a_start_that_fails_says_why_and_gives_the_data_free(home: Path) -> None:
    with pytest.raises(DidNotStart, match=r"shared_buffers.*postgresql\.log"):
        Postgres.start(home, settings={**FAST, "shared_buffers": "nonsense"})
    with Postgres.start(home, settings=FAST) as server:
        assert query(server, "SELECT 1") == 1


def test_data_of_another_version_are_refused_and_kept(directory: Path) -> None:
    (directory / "data").mkdir()
    (directory / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(DidNotStart, match="version 15"):
        Postgres.start(directory, settings=FAST)
    assert (directory / "data" / "PG_VERSION").exists()


def test_a_long_path_with_odd_characters_works(directory: Path) -> None:
    odd = directory / ("deep " * 20).strip() / 'it\'s, "quoted" %20'
    with Postgres.start(odd, settings=FAST) as server:
        assert query(server, "SELECT 1") == 1
        assert running(odd) == server.address
        socket_dir = Path(server.address.socket_dir)
        assert not socket_dir.is_relative_to(odd)
    assert not socket_dir.exists()


def test_with_a_port_it_asks_for_a_password(home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Postgres.start(home, settings=FAST, port=port) as server:
        assert query(server, "SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")


def modes(path: Path) -> dict[Path, int]:
    return {step: step.stat().st_mode for step in (path, *path.parents)}


def test_no_directory_outside_changes_its_mode(directory: Path) -> None:
    outside = directory / "checkout"
    outside.mkdir(mode=0o751)
    before = modes(outside)
    before_tree = modes(Path(postgres.__file__))
    before_umask = os.umask(0o077)
    try:
        with Postgres.start(outside / "var" / "postgres", settings=FAST) as server:
            assert query(server, "SELECT 1") == 1
    finally:
        os.umask(before_umask)
    assert modes(outside) == before
    assert modes(Path(postgres.__file__)) == before_tree


@only_root
def test_a_closed_path_is_left_closed_and_the_data_go_elsewhere(directory: Path) -> None:
    closed = directory / "root-like"
    closed.mkdir(mode=0o700)
    assert data_dir(closed / "var").parent == places.SHARED
    assert data_dir(closed / "var") != data_dir(closed / "other")
    assert data_dir(directory / "var") == directory / "var"
    with pytest.raises(NotReachable, match="VAR"):
        Postgres.start(closed / "var", settings=FAST)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert list(closed.iterdir()) == []


def test_an_ordinary_user_keeps_data_in_var(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    directory.chmod(0o700)
    assert data_dir(directory / "var") == directory / "var"


@only_root
def test_programs_that_others_cannot_reach_are_copied(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = places.programs_for(places.MYSELF).parent
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(real / "pginstall18", closed / real.name / "pginstall18", symlinks=True)
    libraries = f"{real.name}.libs"
    shutil.copytree(real.parent / libraries, closed / libraries)
    module = closed / real.name / "__init__.py"
    module.touch()
    monkeypatch.setattr(places, "SHARED", directory / "shared")
    monkeypatch.setattr(places, "find_spec", lambda name: type("Spec", (), {"origin": str(module)}))
    with Postgres.start(directory / "postgres", settings=FAST) as server:
        assert server.child is not None
        assert query(server, "SELECT 1") == 1
        assert psutil.Process(server.child.pid).exe().startswith(str(directory / "shared"))
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is missing")
def test_it_works_as_an_ordinary_user(directory: Path) -> None:
    shutil.chown(directory, "nobody")
    script = POSTGRES_OWNER.replace(
        "time.sleep(60)", "server.stop(); print(server.data.stat().st_uid)"
    )
    # The right to pass closed directories, for a Python that lies in root's home.
    done = subprocess.run(
        ["setpriv", "--reuid=nobody", "--clear-groups", "--bounding-set=+dac_override",
         "--inh-caps=+dac_override", "--ambient-caps=+dac_override",
         sys.executable, "-c", script, directory / "own"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == str(directory.stat().st_uid)


def test_redis_answers_those_who_know_its_password_only(directory: Path) -> None:
    with Redis.start(directory) as server:
        with redis.Redis.from_url(server.url) as known:
            assert known.ping()
            assert known.set("a", "b")
        with (
            redis.Redis(port=server.port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        assert running_redis(directory) == server.url
        assert server.child is not None
        assert server.password not in " ".join(psutil.Process(server.child.pid).cmdline())
        with pytest.raises(AlreadyRunning):
            Redis.start(directory)
    assert running_redis(directory) is None
    assert not server.alive
    assert sorted(path.name for path in directory.iterdir()) == ["lock", "redis.log"]


def test_a_killed_owner_takes_redis_along(directory: Path) -> None:
    with owner(REDIS_OWNER, directory) as (process, [pid, url]):
        assert running_redis(directory) == url
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert gone(int(pid))
        assert running_redis(directory) is None
        with Redis.start(directory) as again:
            assert again.alive


def test_without_any_redis_a_sentence_says_what_to_install(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(directory))
    nothing: Callable[[str], None] = lambda name: None  # noqa: E731
    monkeypatch.setattr(embedded_redis, "find_spec", nothing)
    with pytest.raises(NoRedis, match="redis-server"):
        Redis.start(directory)
