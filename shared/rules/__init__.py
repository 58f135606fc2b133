"""Rules: how policies decide."""
