"""Rules that other services evaluate: the calls, where they may go, and the secrets they need."""
