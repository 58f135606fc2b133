"""The rules of routing, pure: no I/O, no clock, no framework; standard library only."""
