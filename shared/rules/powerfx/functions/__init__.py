"""The functions and operators of the language, by what they are about.

Importing a module declares what it has in the registry.
"""
