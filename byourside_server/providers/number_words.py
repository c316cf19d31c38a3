"""Whole numbers as English words. Pure."""

# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on
LONGEST_NUMBER_DIGITS = 6  # longer ones, and those with a leading zero, are read digit by digit


def number_in_words(digits: str) -> str:
    """ "249" → "two hundred forty nine", "0128" → "zero one two eight"."""
    if len(digits) > LONGEST_NUMBER_DIGITS or (digits.startswith("0") and len(digits) > 1):
        return " ".join(_SMALL[int(digit)] for digit in digits)
    return _cardinal(int(digits))


def _cardinal(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    if number < 100:
        ten, rest = divmod(number, 10)
        return _TENS[ten] + (f" {_SMALL[rest]}" if rest else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    many, rest = divmod(number, size)
    return f"{_cardinal(many)} {name}" + (f" {_cardinal(rest)}" if rest else "")
