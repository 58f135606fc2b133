"""The models of api-version 2024-01-18-preview, as far as they differ from 2023-11-01."""
