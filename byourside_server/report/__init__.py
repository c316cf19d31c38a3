"""A transcript to summary, typed fields and evidence: pure, from the stored turns alone."""

from byourside_server.report.composition import compose
from byourside_server.report.model_reader import compose_with_model

__all__ = ["compose", "compose_with_model"]
