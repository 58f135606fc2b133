"""A local Event Grid topic: accepts events over HTTP and delivers them to webhooks.

The publisher SDK posts to it as to a custom topic in Azure. What it does as Event Grid does:
the access key, both event schemas, limits and error bodies, the validation handshake, retries
with back-off and a time to live, dead-lettering, at-least-once delivery.

Where it differs, for the sake of local work:

* retries start after 1 second instead of 10 and ignore the longer waits that Event Grid applies
  to some status codes (see `DeliverySettings`);
* events of the Event Grid schema that wait together share a POST (50 at most); Event Grid does
  so only when asked. A batch that fails is tried again one event at a time, so that one bad
  event cannot take its neighbours to the dead letters;
* CloudEvents posts are accepted beside the Event Grid schema, and each event is delivered in the
  schema it was posted in; an Azure topic knows one schema;
* dead letters are lines of one file, each with the `webhook` added;
* the validation URL has no time limit, and the handshake is retried until it succeeds.

The topic holds user data and `GET /_local/events` asks for no key: bind its server to the
loopback interface only. It answers there only to an IP address, `localhost` or its own name, so
that a foreign web site cannot read it through a visitor's browser.

An answered POST survives the death of the process; it may not survive a power failure, because
SQLite syncs its log at checkpoints only.
"""

from infra.local.topic.asgi import LocalTopic
from infra.local.topic.settings import DeliverySettings

__all__ = ["DeliverySettings", "LocalTopic"]
