"""${message}."""

revision, down_revision = ${repr(up_revision)}, ${repr(down_revision)}
