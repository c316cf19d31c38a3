"""By Your Side: the self-hosted phone for AI agents."""

__version__ = "0.1.0"
