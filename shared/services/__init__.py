"""Use cases: one async function each, over the ports."""
