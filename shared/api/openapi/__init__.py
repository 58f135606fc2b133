"""The API's description of itself, in OpenAPI 3.1: made from what the operations declare."""
