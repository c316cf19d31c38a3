"""What is written in a telephone number?

Knows the shape of E.164 and asks the `phonenumbers` library what a number is; knows nothing of prices
or of what is allowed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

# ITU-T E.164 §6: at most 15 digits. Fewer than 7 is a short code, which no one can dial from abroad.
# [0-9] and not \d: \d would let Arabic and full-width digits in.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

KIND_OF_LIBRARY_TYPE: dict[int, str] = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "local_rate",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


@dataclass(frozen=True, slots=True)
class Assignable:
    """What the numbering plans say of a number that could be somebody's."""

    country: str
    """ISO 3166 alpha-2, for example GB; toll-free +1 numbers count as US."""
    kind: str
    """One of the values of KIND_OF_LIBRARY_TYPE, or `unknown`."""


def is_e164(value: object) -> TypeGuard[str]:
    """True for an ASCII plus, a first digit 1-9 and 7 to 15 digits in all, and nothing else."""
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def assignable(e164: str) -> Assignable | None:
    """Return country and kind of a number its numbering plan can assign, or None.

    The library silently repairs what it reads: +61 0412… loses its trunk zero and becomes a valid mobile.
    What is not written as it would be dialled is therefore None.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return None
    if phonenumbers.format_number(number, PhoneNumberFormat.E164) != e164:
        return None
    # What the library calls a valid number is one that it knows a type for; it looks for that only once.
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return None
    country = phonenumbers.region_code_for_number(number)
    if country is None:
        return None
    return Assignable(country, KIND_OF_LIBRARY_TYPE.get(kind, "unknown"))
