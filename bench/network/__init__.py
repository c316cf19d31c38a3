"""A network between the server and the sandbox that is not a good one."""
