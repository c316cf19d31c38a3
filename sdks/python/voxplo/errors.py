"""`byourside.errors` under its other name."""

from byourside.errors import MESSAGE_OF_CODE, ByoursideError, map_error

VoxploError = ByoursideError

__all__ = ["MESSAGE_OF_CODE", "ByoursideError", "VoxploError", "map_error"]
