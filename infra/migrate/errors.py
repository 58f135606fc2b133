"""Why the tool gives up."""


class MigrationError(Exception):
    """Nothing more can be done; the message tells the user why. It holds no secret."""
