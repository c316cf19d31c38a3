"""`byourside` under its other name: the same classes and functions, not copies of them."""

from byourside import *  # noqa: F403
from byourside import ByoursideError as ByoursideError
from byourside import __all__ as _names
from byourside import __version__ as __version__

VoxploError = ByoursideError

__all__ = [*_names, "VoxploError"]
