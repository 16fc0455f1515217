"""What the processes write down: one line an event, whatever text is in it."""

import logging
import logging.config
import re
import time
from typing import Any

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"


class OneLine(logging.Formatter):
    """An event is a line, in UTC; what came from outside cannot begin another or colour it.

    A stack trace follows indented.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return plain(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {plain(line)}" for line in lines)


class Discreet(logging.Filter):
    """A log tells no secret of a link or a feed, and nothing that was searched for: names, phones.

    uvicorn's line of a request holds its whole address: the client, the method, the path with
    the query, the version, the status.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            of_request = record.name == "uvicorn.access"
            record.args = tuple(_discreet(arg, of_request) for arg in record.args)
        return True


LINK = re.compile(r"(/link/|/feeds/|/unsubscribe/)[^/?\s]+")


def _discreet(arg: object, of_request: bool) -> object:
    if not isinstance(arg, str) or not arg.startswith("/"):
        return arg
    return LINK.sub(r"\1...", arg.partition("?")[0] if of_request else arg)


def plain(text: str) -> str:
    """Text with its control characters written out, and no longer than a log line should be."""
    short = text if len(text) <= 4000 else f"{text[:4000]}…"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in short)


def config(level: str = "INFO") -> dict[str, Any]:
    """The logging of every process of ours (uvicorn's included), as `dictConfig` takes it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": OneLine, "fmt": FORMAT}},
        "filters": {"discreet": {"()": Discreet}},
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["discreet"],
            }
        },
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            "uvicorn": {"level": level},
            "alembic": {"level": "WARNING"},
            "pdfminer": {"level": "ERROR"},
            "pdfplumber": {"level": "ERROR"},
        },
    }


def configure(level: str = "INFO") -> None:
    """Write this process's log to its standard error."""
    logging.config.dictConfig(config(level))
