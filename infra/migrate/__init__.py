"""Copies policies, queues and workers between two endpoints that speak the API.

``python -m infra.migrate --help``; docs/how-to/move-from-the-hosted-service.md tells the rest. The
tool knows endpoints by the official SDK alone, so each of the two may be any router.
"""
