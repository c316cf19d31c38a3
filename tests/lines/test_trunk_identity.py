"""Numbers and names as carriers want them spelt."""

from __future__ import annotations

import pytest

from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_identity import Identity, identity, spelt

GERMAN = Trunk("t", "h", number_format="national", country_code="+49", national_lead="0")
AMERICAN = Trunk("t", "h", number_format="national", country_code="+1", international_lead="011")


@pytest.mark.parametrize(
    ("trunk", "number", "dialled"),
    [
        (Trunk("t", "h"), "+14155550123", "+14155550123"),
        (Trunk("t", "h", number_format="digits"), "+14155550123", "14155550123"),
        (GERMAN, "+4930123456", "030123456"),
        (GERMAN, "+14155550123", "0014155550123"),
        (AMERICAN, "+14155550123", "4155550123"),
        (AMERICAN, "+442079460123", "011442079460123"),
    ],
)
def test_a_number_is_spelt_as_the_trunk_is_dialled(trunk: Trunk, number: str, dialled: str) -> None:
    assert spelt(trunk, number) == dialled


def test_from_is_the_caller_id_the_trunks_own_number_or_the_account() -> None:
    to, caller_id = "+14155550123", "+14155550100"
    plain = Trunk("t", "h", domain="d")
    assert identity(plain, to, caller_id) == Identity(to, caller_id, None, ())
    assert identity(Trunk("t", "h", caller="+12134932550"), to, caller_id).from_user == "+12134932550"
    account = Trunk("t", "h", domain="d", user="u-1", from_account=True, p_asserted_identity=True)
    assert identity(account, to, caller_id) == Identity(
        to, "u-1", None, (("P-Asserted-Identity", "<sip:+14155550100@d>"),)
    )
