"""Matters people keep to themselves, each with the words for it in several languages.

Where the background touches a matter, every word of its row is telling: "Schulden" gives a debt away as
well as "debt" does. Written by hand, and no thesaurus. A word ending in "*" stands for all that begin so;
words are in lower case without accents, Cyrillic as `folding` writes it.
"""

from __future__ import annotations

MATTERS: dict[str, str] = {
    "debt": (
        "owe owes owed owing debt* arrears overdue indebted unpaid schulde* schuldet schuldig deuda* deudor* "
        "dette dettes debito debiti divida* dolg dolga dolgi zadolzh* moroso impaye*"
    ),
    "cancer": (
        "cancer* krebs* tumor* tumour* tumeur* carcinom* malignan* oncolog* onkolog* chemo* leukaem* leukem* "
        "metasta* biops*"
    ),
    "diabetes": "diabet* insulin* zuckerkrank*",
    "depression": "depress* antidepress* depresi*",
    "pregnancy": (
        "pregnan* schwanger* embaraz* enceinte grossesse incinta gravidanza gravida gravidez beremenn*"
    ),
    "divorce": (
        "divorc* divorz* scheidung geschieden separated razvod* alimony marriage ehe matrimonio mariage"
    ),
    "dismissal": (
        "fired dismissed dismissal sacked gekundigt entlassen kundigung despedid* despido licencie* "
        "licenziat* demitid* uvol*"
    ),
    "drinking": (
        "alcohol* alkohol* alcolic* drunk drank drinking drinker booze sober intoxicated betrunken borrach* "
        "ivre ubriac* bebado"
    ),
    "addiction": "rehab* addict* overdose detox sucht entzug drug drugs droge* droga* drogue* heroin cocaine",
    "prison": (
        "prison* jail* inmate* incarcerat* convict* gefangnis* knast carcel prision prigione carcere cadeia "
        "tiurm* parole probation felon*"
    ),
    "bankruptcy": (
        "bankrup* bankrott* bancarrot* bancarott* banqueroute insolv* quiebra faillite fallimento falencia"
    ),
    "eviction": "evict* foreclos* zwangsraum* desahuci* expuls*",
    "illness": "hiv aids hepatit* schizo* bipolar* dementia alzheim* epilep* terminal* suicid* anorex*",
    "abortion": "abort* avortement aborto miscarr* fehlgeburt",
    "affair": "affair affairs mistress lover infidel* adulter* cheating seitensprung",
    "law": "lawsuit* sued sue suing prosecut* indict* fraud* betrug fraude arrested arrest custody",
    "gambling": "gambl* glucksspiel casino betting spielsucht",
    "abuse": "abuse* abusi* neglect* violen* missbrauch* vernachlass* maltrat* abandono negligen*",
    "theft": "stole stolen stealing theft thief steal gestohlen diebstahl robo robado",
    "password": "password* passwort* kennwort* passcode contrasena* senha",
    "surprise": "surpris* uberrasch* sorpresa* sorprend*",
    "refusal": "declined reject* abgelehnt rechaz* recusad* refused rifiutat*",
    "pay": "salar* gehalt* wage wages sueldo* stipendi* lohn",
    "budget": "budget* presupuesto*",
    "complaint": "complain* beschwer* queja* plainte lamentel*",
}
# Writing without letters to stem: any of these strings stands for its matter.
SIGNS: dict[str, str] = {
    "糖尿": "diabetes",
    "癌": "cancer",
    "欠": "debt",
    "债": "debt",
    "怀孕": "pregnancy",
    "离婚": "divorce",
    "监狱": "prison",
    "破产": "bankruptcy",
    "سكري": "diabetes",
    "سرطان": "cancer",
    "دين": "debt",
    "حامل": "pregnancy",
    "طلاق": "divorce",
    "سجن": "prison",
    "إفلاس": "bankruptcy",
}
_LENGTHS = range(4, 9)
_EXACT: dict[str, str] = {}
_BEGINNINGS: dict[str, str] = {}
for _matter, _words in MATTERS.items():
    for _word in _words.split():
        if _word.endswith("*"):
            _BEGINNINGS[_word[:-1][: _LENGTHS[-1]]] = _matter
        else:
            _EXACT[_word] = _matter


def matter_of(word: str) -> str | None:
    """The delicate matter a folded word speaks of."""
    found = _EXACT.get(word)
    if found is not None or len(word) < 4:
        return found
    for length in _LENGTHS:
        found = _BEGINNINGS.get(word[:length])
        if found is not None:
            return found
    return None
