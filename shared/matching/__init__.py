"""Who is offered which job, pure: no I/O, no clock; standard library only.

The rules are in docs/explanation/matching.md.
"""
