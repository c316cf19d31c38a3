"""The E-model at points that ITU-T publishes."""

import pytest

from byourside_server.media.mos import mos, r_factor


@pytest.mark.parametrize(
    ("r", "score"), [(93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)]
)
def test_scores_are_those_of_the_recommendation(r: float, score: float) -> None:
    """G.107 annex B, table B.1 (rounded there), and 4.41 for the default R."""
    assert mos(r) == pytest.approx(score, abs=0.011)


def test_the_ends_of_the_scale() -> None:
    assert (mos(-5), mos(0), mos(100), mos(120)) == (1.0, 1.0, 4.5, 4.5)
    assert all(1 <= mos(r / 10) <= 4.5 for r in range(1001))


def test_loss_costs_less_where_it_is_concealed() -> None:
    """G.113 appendix I: Bpl 25.1 and 4.3: at 5 % Ie,eff is 15.8 and 51.1."""
    assert r_factor(0, 5, concealed=True) == pytest.approx(93.2 - 15.8, abs=0.05)
    assert r_factor(0, 5, concealed=False) == pytest.approx(93.2 - 51.1, abs=0.05)


def test_delay_costs_little_until_it_disturbs_the_talk() -> None:
    assert r_factor(150, 0, concealed=True) == pytest.approx(93.2 - 3.6, abs=0.01)
    assert r_factor(400, 0, concealed=True) == pytest.approx(93.2 - 9.6 - 24.497, abs=0.01)
