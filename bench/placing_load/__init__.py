"""A load of HTTP requests, the floors beneath the server, and a database full of calls."""
