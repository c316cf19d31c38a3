"""The months in eight languages, as folded words."""

from __future__ import annotations

from byourside_server.conversation.words import word_set

_NAMES = (
    "january januar enero janvier gennaio janeiro ianvar",
    "february februar febrero fevrier febbraio fevereiro fevral",
    "march marz maerz marzo mars marco mart",
    "april abril avril aprile aprel",
    "may mai mayo maggio maio",
    "june juni junio juin giugno junho iiun",
    "july juli julio juillet luglio julho iiul",
    "august agosto aout avgust",
    "september septiembre septembre settembre setembro sentiabr",
    "october oktober octubre octobre ottobre outubro oktiabr",
    "november noviembre novembre novembro noiabr",
    "december dezember diciembre decembre dicembre dezembro dekabr",
)
MONTHS = {name: month for month, names in enumerate(_NAMES, start=1) for name in names.split()}
# "May I …", "they march in": these are months only beside such words or a day.
AMBIGUOUS = word_set("may march mars mart marco august")
BEFORE_MONTH = word_set(
    "in of on by since until till this next last every from before after early late mid to im seit de en "
    "desde al le"
)
