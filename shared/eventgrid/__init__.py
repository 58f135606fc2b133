"""Event Grid adapter: the events' wire format, and the publisher."""
