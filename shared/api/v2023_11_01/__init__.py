"""The models of api-version 2023-11-01."""
