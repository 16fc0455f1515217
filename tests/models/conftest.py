"""Properties here load tables of numbering plans: the first time takes its time."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "files", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("files")
