"""How good a call sounds by the numbers: the E-model for G.711 (ITU-T G.107, G.113 appendix I, G.108).

Knows delay and loss. It is an estimate for planning, not what a listener said; echo and noise are taken at
the recommendation's defaults.
"""

from __future__ import annotations

DEFAULT_R = 93.2
"""G.107 (2003 and later): R with every parameter at its default and no delay."""
G711_IE = 0.0
G711_BPL_CONCEALED = 25.1
"""G.113 appendix I, table I.2: random loss, with the concealment of G.711 appendix I."""
G711_BPL_SILENT = 4.3
"""Without concealment."""


def r_factor(delay_ms: float, loss_percent: float, *, concealed: bool) -> float:
    """Transmission rating 0 to 100 of one direction, for one-way delay and random packet loss."""
    return max(0.0, min(100.0, DEFAULT_R - _delay_impairment(delay_ms) - _loss(loss_percent, concealed)))


def mos(r: float) -> float:
    """Mean opinion score 1 to 4.5 of a rating (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def _delay_impairment(delay_ms: float) -> float:
    """Id of G.107 §7.4 without echo, in the straight-line form of Cole and Rosenbluth (2001)."""
    return 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)


def _loss(loss_percent: float, concealed: bool) -> float:
    """Ie,eff of G.107 §7.5 with a burst ratio of 1."""
    bpl = G711_BPL_CONCEALED if concealed else G711_BPL_SILENT
    return G711_IE + (95 - G711_IE) * loss_percent / (loss_percent + bpl)
