"""How people ask to be called at another time, and how somebody else says that he is somebody else.

Patterns for `intents`, over plain words.
"""

from __future__ import annotations

_RELATIVES = (
    r"wife|husband|partner|son|daughter|mother|mom|mum|father|dad|brother|sister|roommate|flatmate"
    r"|girlfriend|boyfriend|assistant|secretary|colleague|coworker|neighbou?r|nurse|caretaker|carer"
)
_AWAY = (
    r"(?:not (?:here|in|home|at home|available|around|there)|out(?! of)|away|asleep|sleeping"
    r"|at (?:work|lunch|school)|on (?:vacation|holiday|leave|another (?:call|line))|in a meeting|busy"
    r"|gone(?: out)?)"
)
_NOT_OURS = "".join(
    f"(?<!{before} )"
    for before in (
        *("don't", "do not", "not", "never", "i'll", "we'll", "i will", "we will", "i can", "we can"),
        *("they'll", "they will"),
    )
)
_WHEN = (
    r"(?:later|another (?:time|day)|some other time|tomorrow|tonight|this (?:afternoon|evening)|next week"
    r"|(?:on |next )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:after|before|around|at|in) (?:an?|half|the"
    r"|\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|noon|lunch"
    r"|work))"
)
CALLS_LATER = (
    rf"{_NOT_OURS}(?:(?:call|ring|phone|try)(?: me| us| him| her| them)?(?: back| again)?|get back to me"
    rf"|reach me)(?: (?:a bit|a little|sometime|maybe|perhaps|please))? {_WHEN}"
    rf"|{_NOT_OURS}(?:call|ring|phone) (?:me|us) back(?! (?:number|on))"
    r"|^(?:please )?call back|(?:could|can|would) you (?:please )?(?:call|ring|phone|try)(?: (?:me|us))?"
    r"(?: back| again)? later|(?:could|can|would) you (?:please )?(?:call|ring|phone) (?:me |us )?back"
    r"|bad time|not a good time|bad moment|not a good moment|^(?:(?:no|sorry|oh|um) )*not (?:right )?now\b"
    r"|(?:can't|cannot|can not) talk|i'm (?:busy(?! (?:tomorrow|on|that|then|next|at|this|all)\b)"
    r"(?! \w+day)|driving|in a meeting|at work right now)|in the middle of something"
)
OTHER_PERSON = (
    rf"(?:this is|i'm|i am) (?:his|her|their|\w+'s) (?:{_RELATIVES})"
    rf"|(?:he|she|he's|she's)(?: is)? (?:just |currently |still |right now )?{_AWAY}"
    r"(?= |$)(?! (?:for|until) me)"
    r"|(?:he|she|they) (?:isn't|aren't|is not|are not|ain't) (?:here|in|home|at home|available|around|there)"
    r"|(?:he|she) (?:just )?(?:left|stepped out|went out)"
    r"|(?:you )?(?:want|need|should|have) to (?:talk|speak) (?:to|with) (?:my|his|her|the|our) \w+"
    r"|you(?:'re| are) looking for (?:my|his|her|our) \w+"
    r"|(?:i'm|i am|this is|that's|that is) not (?:him|her|he|she|the (?:right )?person|the one)"
    r"|(?:you've|you have) (?:got |reached )?(?:the wrong (?:guy|woman|man|lady))"
)
