"""How long a conversation waits, and how often it tries. Seconds, where no other unit is named."""

GREET_AFTER_S = 0.9  # of silence since the answer
MAX_UNHEARD = 3  # utterances of which nothing was heard
MAX_SILENCES = 4  # in a row; a mind that would ask for ever is ended
MAX_UNCLEAR = 5  # times in a row that nothing was understood
RESUME_AFTER_S = 0.8  # after a cut that no speech explains
CONNECTING_S = 30.0  # after a menu or a screening service was answered
AFTER_WELCOME_S = 1.5  # "thank you for calling Acme": a menu, or "how can I help you?"
TRANSFER_S = 60.0
LAST_WORDS_S = 2.0  # for a contact who speaks over our goodbye
GOODBYE_BEFORE_END_S = 5.0
BEEP_PROVES_UNTIL_S = 30.0
BEGINNING_TURNS = 2  # of the contact's, in which a machine may still show itself
