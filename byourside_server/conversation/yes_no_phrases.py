"""How people say yes, no, and neither: tables of phrases and patterns over plain words.

Data alone; `yes_no` knows which of them outweighs which.
"""

from __future__ import annotations

import re

from byourside_server.conversation.words import word_set

YES_WORDS = word_set(
    "yes yeah yep yup yah sure absolutely definitely certainly correct ok okay alright affirmative indeed "
    "right exactly"
)
NO_WORDS = frozenset({"no", "nope", "nah", "negative", "never"})
NO_SOUNDS = frozenset({"uh uh", "nuh uh", "nuh huh"})
YES_PHRASES = (
    "of course",
    "uh huh",
    "mm hmm",
    "mhm",
    "you bet",
    "by all means",
    "for sure",
    "go ahead",
)
NO_PHRASES = (
    "no way",
    "not really",
    "no not at all",
    "not today",
    "not now",
    "not yet",
    "not this time",
    "of course not",
    "absolutely not",
    "certainly not",
    "definitely not",
    "rather not",
    "not exactly",
    "not quite",
    "forget it",
    "afraid not",
    "unfortunately not",
    "don't think so",
    "do not think so",
    "i'll pass",
)
# Leaves the question open.
HEDGES = (
    "nothing works",
    "anything works",
    "either works",
    "way around",
    "maybe",
    "perhaps",
    "probably",
    "possibly",
    "not sure",
    "don't know",
    "do not know",
    "no idea",
    "depends",
    "depending",
    "might",
    "let me check",
    "let me see",
    "have to check",
    "need to check",
    "hard to say",
    "can't say",
    "not say",
    "never say",
    "no comment",
    "let me ask",
    "have to ask",
    "need to ask",
    "i'll try",
    "i hope so",
    "hopefully",
    "yes and no",
    "said yes",
    "said no",
    "say yes",
    "say no",
    "says yes",
    "says no",
    "told me yes",
    "told me no",
    "yes to the",
    "no to the",
)
# Said of a yes that is meant as a no, or of nothing at all.
IRONIES = (
    "yeah right",
    "as if",
    "nothing better to do",
    "when pigs fly",
    "when hell freezes",
    "in your dreams",
    "dream on",
    "you wish",
    "whatever",
    "like that's going to",
    "like that's gonna",
    "like that's ever",
    "just what i needed",
    "just what i wanted",
    "fat chance",
    "good luck with that",
    "lucky me",
    "oh joy",
    "what she said",
    "another robot",
    "another call",
    "because that always",
    "couldn't care less",
    "how could i forget",
    "like i have a choice",
)
CONDITIONS = ("if", "unless", "as long as", "provided", "only when", "except", "assuming")
# What limits a yes, or offers something else in its place; a no stays a no with them.
RESTRICTION = re.compile(
    r"\b(?:but(?! (?:yes|yeah|sure|okay)$)|only|until|though|although|however|once|when|after|before"
    r"|instead|better"
    r"|prefer|rather|how about|what about|let's|(?:can|could) (?:we|you)\b|(?:move|change|push"
    r"|switch) (?:it|that)"
    r"|reschedule|cancel later|or)\b"
)
HARMLESS = (
    "that's not a problem",
    "it's not a problem",
    "that is not a problem",
    "it is not a problem",
    "that won't be a problem",
    "that shouldn't be a problem",
    "if that's okay",
    "if that's ok",
    "if that is okay",
    "if you like",
    "if you want",
    "if you don't mind",
    "if possible",
    "if i remember correctly",
    "not a problem at all",
    "as far as i know",
    "right now",
    "all right",
    "right away",
    "no problem",
    "not a problem",
    "no worries",
    "no doubt",
    "no question",
    "no question about it",
    "no objection",
    "no objections",
    "no issue",
    "no issues",
    "without a doubt",
    "undoubtedly",
    "i don't see why not",
    "don't worry",
    "not to worry",
    "can't wait",
    "thank you very much",
)
HARMLESS_YES = frozenset(
    {
        "that's not a problem",
        "it's not a problem",
        "that is not a problem",
        "it is not a problem",
        "that won't be a problem",
        "that shouldn't be a problem",
        "no problem",
        "not a problem",
        "no worries",
        "not a problem at all",
        "no doubt",
        "no question about it",
        "no objection",
        "no objections",
        "no issue",
        "no issues",
        "without a doubt",
        "undoubtedly",
        "i don't see why not",
        "all right",
    }
)
CORRECTIONS = (
    "no wait",
    "wait no",
    "wait",
    "actually",
    "i mean",
    "i meant",
    "scratch that",
    "on second thought",
    "correction",
    "let me rephrase",
    "sorry no",
    "sorry yes",
)
# Marks that hold the new answer themselves.
ANSWERING_MARKS = {"sorry no": "no", "sorry yes": "yes", "wait no": "no"}
# After these the words before count for nothing, whatever follows.
TAKES_BACK = ("wait", "scratch that", "on second thought", "correction", "let me rephrase", "i meant")
QUESTION_BACK = re.compile(
    r"^(?:(?:and|so|sorry|but|wait|hello|hi|uh|um|oh|yes|yeah|okay|ok|no|sure|well) )*(?:what|when|where"
    r"|who|why|how|which|do you|does (?:it"
    r"|that|this)|is (?:it|that|this)"
    r"|are you|can you|could you|will (?:you|it)|would (?:you|that|it)|did (?:you|i|we)|have you|am i)\b"
)
NOT = (
    r"(?:not|don't|doesn't|didn't|isn't|aren't|wasn't|won't|wouldn't|can't|cannot|couldn't"
    r"|never|hardly|no longer)"
)
PRONOUN = r"(?:i|we|it|that|this|they|he|she|you|there)"
SHORT_AUX = r"(?:do|does|did|am|are|is|can|could|will|would|have|has|was)"
# What is said of the matter outweighs the yes or no before it: "no, that works", "yes I can't make it".
CONTENT: tuple[tuple[re.Pattern[str], bool], ...] = tuple(
    (re.compile(pattern), polarity)
    for pattern, polarity in (
        (
            rf"\b{NOT}(?: going to be able to| be able to| going to| \w+)? (?:works?|going to work|suit"
            rf"|be there|make it|come|do it|do that"
            rf"|possible|available|"
            r"confirm|right|correct|true|fine|okay|ok|good|attend|interested|happy)\b",
            False,
        ),
        (
            r"\b(?:i|we)(?:'ll have to| have to| need to|'d like to| would like to| want to|'d rather| must) "
            r"(?:cancel|reschedule|move it|change it|postpone|decline)\b",
            False,
        ),
        (r"\bplease cancel\b|^cancel (?:it|that|the|my)\b", False),
        (rf"\b{NOT}(?: going to)? be able to\b", False),
        (
            r"\b(?:that|it|this|which)(?:'s| is| would be| will be|'ll be| is going to be) "
            r"(?:a|the) (?:big |real |bit of a )?(?:problem|conflict)\b",
            False,
        ),
        (r"\b(?:time|day|tomorrow|\w+day) is (?:bad|no good|terrible)\b", False),
        (
            r"\b(?:don't|do not|didn't|doesn't) (?:really )?(?:think|believe(?! (?:it|this|you)$)"
            r"|suppose|expect)\b.*"
            r"|\bdoubt (?:it|that)\b.*",
            False,
        ),
        (r"\b(?:it's|that's|is) a(?: definite| hard| firm)? no\b|\bthe answer is no\b", False),
        (r"\b(?:it's|that's|is) a(?: definite| firm)? yes\b|\bthe answer is yes\b", True),
        (
            r"\b(?:don't|do not|can't) see (?:a|any) (?:problem|issue|reason why not)|\bdon't see why not\b",
            True,
        ),
        (
            r"\b(?:that's|it's|that is|it is|won't be|will not be|wouldn't be"
            r"|shouldn't be)(?: not)? (?:a|any|no) "
            r"(?:problem"
            r"|issue)(?<!that's a problem)(?<!it's a problem)(?<!that is a problem)(?<!it is a problem)\b",
            True,
        ),
        (r"\b(?:wouldn't|won't) miss it\b|\byou're right\b|\byou are right\b", True),
        (
            r"\b(?:unable|impossible|unavailable|incorrect|wrong|fully booked|booked up|out of stock"
            r"|sold out)\b",
            False,
        ),
        (r"\b(?:we're|we are|i'm|i am) (?:closed|full|busy|out of town|away)\b", False),
        (
            r"\b(?:that|it|this|tomorrow|which|everything|\w+day)(?:'s| is| still| all| does| would| will)* "
            r"(?:works?|suits?|fine|okay|ok|good|great|perfect|right|correct|true|all right|possible"
            r"|sounds good)\b",
            True,
        ),
        (r"\b(?:don't|do not|no) need to (?:reschedule|change|move|cancel)\b", True),
        (r"\b(?:works|suits) (?:for )?(?:me|us|fine|great|well)\b", True),
        (r"\b(?:sounds|looks) (?:good|great|fine|perfect|right|ok|okay)\b", True),
        (
            r"\b(?:i|we)(?:'ll| will| can|'m going to)(?: be able to| \w+)? (?:be there|make it|come"
            r"|attend|do that"
            r"|do it|be here)\b",
            True,
        ),
        (
            r"\b(?:see you (?:then|there|tomorrow)|looking forward|count me in|i confirm|we confirm"
            r"|confirmed|"
            r"you're booked|you are booked|all set|booked you|it's booked|got you down|i think so"
            r"|i guess so|i believe so|(?:would|i'd) love to(?! but)|happy to|glad to|that'll work"
            r"|that will work|"
            r"that'll be fine|that would work)\b",
            True,
        ),
    )
)
FINE = re.compile(
    r"\b(?:that's|that is|it's|it is|everything is|everything's|that still|it still|that|it)(?: still| all)? "
    r"(?:fine|okay|ok|good|great|perfect|works)\b"
)
NEEDS: tuple[tuple[re.Pattern[str], bool], ...] = tuple(
    (re.compile(pattern), polarity)
    for pattern, polarity in (
        (r"^(?:no )?not at all$", False),
        (rf"\b{NOT}(?: \w+)? (?:need|want|like|have to|necessary|required)\b", False),
        (
            r"\b(?:no need|nothing else|nothing|that's all|that is all|that's it|that will be all"
            r"|no changes?|"
            r"keep it|leave it|as it is|same time|as planned|i'm good|we're good|i'm fine|i'm okay"
            r"|i'm ok|we're fine|"
            r"all good|all set)\b",
            False,
        ),
        (FINE, False),
        (r"\b(?:i|we)(?:'ll| do| will| would|'d| really| actually)* (?:need|want|like|love) to\b", True),
        (r"\b(?:i|we)(?:'ll| will)? have to (?:reschedule|change|move|cancel|postpone)\b", True),
        (r"\b(?:can|could) (?:we|you|i) (?:move|change|reschedule|do|make|push|switch)\b", True),
        (r"\bhow about\b|\bwhat about\b|\binstead\b|\bi'd prefer\b|\bi would prefer\b", True),
        (r"\bplease (?:do|move|change|reschedule)\b", True),
    )
)
SHORT_NO = re.compile(
    rf"\b{PRONOUN} (?:{SHORT_AUX} not|\w+n't|cannot|'m not|am not)$|\b(?:i'm|it's|they're|we're) not$"
    rf"|\b{PRONOUN} (?:sure|really) (?:{SHORT_AUX} not|\w+n't|cannot)$"
    r"|\b(?:not|won't) be (?:attending|coming|joining)"
)
SHORT_YES = re.compile(rf"\b{PRONOUN} (?:\w+ )?(?!could$|would$|was$){SHORT_AUX}$")
# "not impossible", "can't say no", "don't cancel": a person would ask what that means.
# "No, I'm still coming": the no is about something else.
NO_BUT_YES = re.compile(
    r"^(?:(?:oh|uh|um|well) )*no (?:i'm|i'll|we'll|i will|we will|i can|we can|i do"
    r"|we do)\b(?! (?:sorry|afraid))"
)
NO_WAY = re.compile(r"\bno way (?:that|it|i|we|this)\b")
DOUBLE_NEGATIVE = re.compile(
    rf"\b{NOT}(?: \w+){{0,2}} (?:unavailable|impossible|incorrect|unable|wrong|no|never|not|without"
    rf"|sold out|closed"
    rf"|fully booked|booked up|disagree|refuse|decline|cancel|busy|full|\w+n't)\b"
)
# Somebody else's answer, unless a plain yes or no of their own comes first.
SOMEBODY_ELSE = re.compile(
    r"\b(?:he|she|he's|she's|he'll|she'll|he'd|she'd"
    r"|my (?:wife|husband|boss|partner|mother|father|mom|mum|dad|son|daughter|brother|sister|friend"
    r"|colleague|manager"
    r"|assistant|roommate))\b"
)
LEADING_ANSWER = re.compile(r"^(?:(?:uh|um|oh|well|so|sorry) )*(?:yes|yeah|yep|sure|no|nope|nah)\b")
# A yes that only shows somebody is there.
PRESENCE = re.compile(
    r"^(?:(?:oh|uh|um|hello|hi) )*(?:yes|yeah)? ?(?:hello|hi|speaking|this is \w+(?: \w+)?(?: speaking)?"
    r"|can i help you"
    r"|how can i help(?: you)?|i'm here|i'm listening)$|^(?:hello|hi) (?:yes|yeah)$"
)
WEAK_YES = frozenset({"okay", "ok", "alright", "right", "all right"})
LEAVING = re.compile(r"\b(?:bye|goodbye|have to go|got to go|gotta go)\b")
# Approval and nothing else.
APPROVAL = re.compile(
    r"^(?:(?:well|yes|yeah|ok|okay|sure|all|sounds|that's|it's|and|so|very|just) )*"
    r"(?:fine|perfect|great|good|excellent|lovely|wonderful|cool|brilliant|fantastic)"
    r"(?: (?:thanks|thank|you|then|fine|perfect|great|good|yes|by|with|for|me|us|okay|ok|sure))*$"
)
# "no" that is the beginning of something else.
NO_THING = word_set(
    "earlier later other more one body clue comment reason such complaints idea matter wonder kidding"
    " time way"
)
POLITE_COMPANY = word_set(
    "you then very much with me for us fine good great perfect works sounds is this to by"
)
AFTER_NO = frozenset(
    {"thank", "thanks", "sorry", "i", "we", "it", "that", "that's", "it's", "not", "sir", "ma'am"}
)


STATE = re.compile(
    r"\b(?:unavailable|incorrect|wrong|fully booked|booked up|out of stock|sold out|closed|full|busy"
    r"|out of town|away)\b"
)
NEGATION = re.compile(rf"\b(?:{NOT}|no|nothing|nobody|none|closed|without)\b")
