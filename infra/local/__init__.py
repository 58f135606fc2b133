"""The local host: runs the function app without Azure (`python -m infra.local`)."""
