"""Why an embedded server does not start."""

from app.errors import DomainError


class AlreadyRunning(DomainError):
    """The data belong to another process that runs now."""

    sentence = (
        "The data in {directory} are in use by process {pid} ({address}):"
        " stop it first, or choose another directory with VAR."
    )


class NotReachable(DomainError):
    """As root: PostgreSQL's user could not enter the directory, and nothing outside is changed."""

    sentence = (
        "PostgreSQL does not run as root, and other users cannot enter {directory}:"
        " choose another directory with VAR."
    )


class DidNotStart(DomainError):
    sentence = "{name} did not start ({reason}): see {log}."


class NoRedis(DomainError):
    sentence = (
        "There is no Redis here: install redis-server (6 or newer),"
        " or set REDIS_URL to one that runs elsewhere."
    )
