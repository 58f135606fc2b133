"""The numbers that bound a router; every other module takes them from here."""

from datetime import timedelta

JOB_LIFETIME = timedelta(days=90)
"""A job lives this long at most (hosted service's documentation, job matching)."""

IDLE_WORKER_LIFETIME = timedelta(days=7)
"""A registered worker without work for this long is deregistered (same source)."""

MAX_UNASSIGNMENTS = 3
"""How often a job may be taken back from a worker (API description of UnassignJobResult)."""

RESERVATION_LEASE = timedelta(seconds=15)
"""How long a reservation may stand without its job listing the offer before it is checked."""

DEFAULT_PRIORITY = 1
MIN_PRIORITY = -100
MAX_PRIORITY = 100

DEFAULT_OFFER_SECONDS = 60.0
"""Life of an offer when the distribution policy does not say."""

MAX_OFFER_SECONDS = JOB_LIFETIME.total_seconds()
