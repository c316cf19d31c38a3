"""A transcript to summary, typed fields and evidence: pure, from the stored turns alone."""

from byourside_server.report.composition import compose

__all__ = ["compose"]
