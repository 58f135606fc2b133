"""Which URLs may be webhooks, how they are shown, and which host names reach the topic."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def check_webhook_url(url: str) -> str:
    """Return the URL unchanged.

    :raises ValueError: it is not an absolute http or https URL.
    """
    parts = urlsplit(url)
    _ = parts.port  # Raises for a port out of range.
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"A webhook must be an absolute http or https URL: {base_url(url)!r}")
    return url


def base_url(url: str) -> str:
    """The URL without user information and query, where webhooks carry their keys."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def is_safe_host(host: str, own_url: str) -> bool:
    """Whether a Host header cannot be that of a foreign site whose name was bound to this machine.

    Such a site could read the events in a visitor's browser. It needs a DNS name of its own.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in ("localhost", urlsplit(own_url).hostname) or _is_ip_address(name)


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
