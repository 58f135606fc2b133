"""Adapters of the stores in :mod:`shared.ports`, and what all of them share."""
