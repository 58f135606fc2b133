"""The wire: requests and answers of the REST API, translated from and to the domain."""
