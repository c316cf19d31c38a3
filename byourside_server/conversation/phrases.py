"""What the agent says of its own accord, in each language: who it is, that it is still there, goodbye.

A table of sentences, for every mind alike. Knows nothing of a call. A language that is not in the table is
served in English.
"""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.conversation.languages import DEFAULT_LANGUAGE, primary_language


@dataclass(frozen=True)
class Phrases:
    """The sentences of one language. `{who}` stands for the one who has us call."""

    disclosure: str
    disclosure_for: str
    introduction: str
    introduction_for: str
    are_you_there: str
    cannot_hear: str  # after the second silence
    not_caught: str
    fillers: tuple[str, ...]  # while an answer is being made
    still_here: str  # when that takes long
    technical_problem: str  # the last words where no answer can be made
    goodbye: str
    out_of_time: str
    refusal: str
    anything_else: str
    hold: str
    not_reached: str  # after a transfer that failed
    please_call_back: str  # the end of a message on a machine
    backchannels: frozenset[str]  # words that only show that somebody listens, in lower case

    def disclosure_of(self, who: str | None) -> str:
        """The first sentence of every call."""
        return self.disclosure_for.replace("{who}", who) if who else self.disclosure

    def introduction_of(self, who: str | None) -> str:
        """Who is calling, without the hello."""
        return self.introduction_for.replace("{who}", who) if who else self.introduction


def phrases_for(language: str | None) -> Phrases:
    """The sentences of a language tag ("de", "pt-BR"), English where there are none."""
    return _TABLE.get(primary_language(language), _TABLE[DEFAULT_LANGUAGE])


def has_phrases(language: str | None) -> bool:
    """Whether the table knows the language; None is English."""
    return primary_language(language) in _TABLE


def _listed(words: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in words.split("|"))


_TABLE: dict[str, Phrases] = {
    "en": Phrases(
        disclosure="Hello, this is an automated AI assistant.",
        disclosure_for="Hello, this is an automated AI assistant calling on behalf of {who}.",
        introduction="This is an automated AI assistant.",
        introduction_for="This is an automated AI assistant calling on behalf of {who}.",
        are_you_there="Are you still there?",
        cannot_hear="I can't hear you, so I'll end the call here. Goodbye.",
        not_caught="Sorry, I didn't catch that.",
        fillers=("One moment, please.", "Just a second.", "Bear with me for a moment."),
        still_here="I'm still here, one moment.",
        technical_problem=(
            "I'm sorry, I'm having a technical problem and can't go on with this call. Goodbye."
        ),
        goodbye="Thank you. Goodbye.",
        out_of_time="I'm sorry, I have to end the call here. Goodbye.",
        refusal="I'm sorry, I can't share that.",
        anything_else="Is there anything else?",
        hold="Of course.",
        not_reached="I'm sorry, I couldn't reach them.",
        please_call_back="Please call back when you can. Thank you. Goodbye.",
        backchannels=frozenset(),  # those of `intents`, which are always read
    ),
    "es": Phrases(
        disclosure="Hola, le habla un asistente automático de inteligencia artificial.",
        disclosure_for=(
            "Hola, le habla un asistente automático de inteligencia artificial de parte de {who}."
        ),
        introduction="Soy un asistente automático de inteligencia artificial.",
        introduction_for="Soy un asistente automático de inteligencia artificial y llamo de parte de {who}.",
        are_you_there="¿Sigue ahí?",
        cannot_hear="No le oigo, así que voy a terminar la llamada. Adiós.",
        not_caught="Disculpe, no le he entendido.",
        fillers=("Un momento, por favor.", "Un segundo.", "Espere un momento, por favor."),
        still_here="Sigo aquí, un momento.",
        technical_problem=(
            "Lo siento, tengo un problema técnico y no puedo continuar con esta llamada. Adiós."
        ),
        goodbye="Gracias. Adiós.",
        out_of_time="Lo siento, tengo que terminar la llamada aquí. Adiós.",
        refusal="Lo siento, no puedo compartir esa información.",
        anything_else="¿Hay algo más?",
        hold="Por supuesto.",
        not_reached="Lo siento, no he podido comunicarme con esa persona.",
        please_call_back="Por favor, devuélvanos la llamada cuando pueda. Gracias. Adiós.",
        backchannels=_listed("sí|si|ajá|aja|vale|claro|ya|bueno|ok|okay|mm|mhm|entiendo|de acuerdo|sí sí"),
    ),
    "fr": Phrases(
        disclosure="Bonjour, je suis un assistant automatique d'intelligence artificielle.",
        disclosure_for=(
            "Bonjour, je suis un assistant automatique d'intelligence artificielle et j'appelle pour {who}."
        ),
        introduction="Je suis un assistant automatique d'intelligence artificielle.",
        introduction_for=(
            "Je suis un assistant automatique d'intelligence artificielle et j'appelle pour {who}."
        ),
        are_you_there="Vous êtes toujours là ?",
        cannot_hear="Je ne vous entends pas, je vais donc mettre fin à l'appel. Au revoir.",
        not_caught="Excusez-moi, je n'ai pas compris.",
        fillers=("Un instant, s'il vous plaît.", "Une petite seconde.", "Un moment, je vous prie."),
        still_here="Je suis toujours là, un instant.",
        technical_problem=(
            "Je suis désolé, j'ai un problème technique et je ne peux pas poursuivre cet appel. Au revoir."
        ),
        goodbye="Merci. Au revoir.",
        out_of_time="Je suis désolé, je dois mettre fin à l'appel. Au revoir.",
        refusal="Je suis désolé, je ne peux pas communiquer cela.",
        anything_else="Y a-t-il autre chose ?",
        hold="Bien sûr.",
        not_reached="Je suis désolé, je n'ai pas réussi à joindre cette personne.",
        please_call_back="Merci de nous rappeler dès que possible. Au revoir.",
        backchannels=_listed(
            "oui|ouais|d'accord|oui d'accord|ok|okay|hum|mm|mhm|ah bon|je vois|bien|oui oui"
        ),
    ),
    "de": Phrases(
        disclosure="Guten Tag, hier spricht ein automatischer KI-Assistent.",
        disclosure_for="Guten Tag, hier spricht ein automatischer KI-Assistent im Auftrag von {who}.",
        introduction="Hier spricht ein automatischer KI-Assistent.",
        introduction_for="Hier spricht ein automatischer KI-Assistent im Auftrag von {who}.",
        are_you_there="Sind Sie noch da?",
        cannot_hear="Ich kann Sie nicht hören und beende deshalb das Gespräch. Auf Wiederhören.",
        not_caught="Entschuldigung, das habe ich nicht verstanden.",
        fillers=("Einen Moment, bitte.", "Eine Sekunde.", "Einen kleinen Augenblick, bitte."),
        still_here="Ich bin noch da, einen Moment.",
        technical_problem=(
            "Es tut mir leid, ich habe ein technisches Problem und kann das Gespräch nicht fortsetzen. "
            "Auf Wiederhören."
        ),
        goodbye="Vielen Dank. Auf Wiederhören.",
        out_of_time="Es tut mir leid, ich muss das Gespräch hier beenden. Auf Wiederhören.",
        refusal="Es tut mir leid, das darf ich nicht weitergeben.",
        anything_else="Gibt es sonst noch etwas?",
        hold="Selbstverständlich.",
        not_reached="Es tut mir leid, ich konnte dort niemanden erreichen.",
        please_call_back="Bitte rufen Sie zurück, sobald Sie können. Vielen Dank. Auf Wiederhören.",
        backchannels=_listed("ja|ja ja|mhm|hm|aha|okay|ok|genau|gut|klar|ach so|verstehe|ja genau"),
    ),
    "it": Phrases(
        disclosure="Buongiorno, sono un assistente automatico di intelligenza artificiale.",
        disclosure_for=(
            "Buongiorno, sono un assistente automatico di intelligenza artificiale e chiamo per conto di "
            "{who}."
        ),
        introduction="Sono un assistente automatico di intelligenza artificiale.",
        introduction_for=(
            "Sono un assistente automatico di intelligenza artificiale e chiamo per conto di {who}."
        ),
        are_you_there="È ancora in linea?",
        cannot_hear="Non riesco a sentirla, quindi chiudo la chiamata. Arrivederci.",
        not_caught="Mi scusi, non ho capito.",
        fillers=("Un momento, per favore.", "Solo un secondo.", "Attenda un attimo, per favore."),
        still_here="Sono ancora qui, un momento.",
        technical_problem=(
            "Mi dispiace, ho un problema tecnico e non posso continuare questa chiamata. Arrivederci."
        ),
        goodbye="Grazie. Arrivederci.",
        out_of_time="Mi dispiace, devo chiudere qui la chiamata. Arrivederci.",
        refusal="Mi dispiace, non posso condividere questa informazione.",
        anything_else="C'è altro?",
        hold="Certamente.",
        not_reached="Mi dispiace, non sono riuscito a contattare quella persona.",
        please_call_back="La preghiamo di richiamare appena può. Grazie. Arrivederci.",
        backchannels=_listed("sì|si|sì sì|va bene|ok|okay|certo|ah|ho capito|capito|mm|mhm|d'accordo|bene"),
    ),
    "pt": Phrases(
        disclosure="Olá, aqui fala um assistente automático de inteligência artificial.",
        disclosure_for=(
            "Olá, aqui fala um assistente automático de inteligência artificial em nome de {who}."
        ),
        introduction="Sou um assistente automático de inteligência artificial.",
        introduction_for="Sou um assistente automático de inteligência artificial e ligo em nome de {who}.",
        are_you_there="Ainda está aí?",
        cannot_hear="Não consigo ouvir, por isso vou encerrar a chamada. Até logo.",
        not_caught="Desculpe, não entendi.",
        fillers=("Um momento, por favor.", "Só um segundo.", "Aguarde um instante, por favor."),
        still_here="Ainda estou aqui, um momento.",
        technical_problem=(
            "Desculpe, estou com um problema técnico e não posso continuar esta chamada. Até logo."
        ),
        goodbye="Obrigado. Até logo.",
        out_of_time="Desculpe, preciso encerrar a chamada aqui. Até logo.",
        refusal="Desculpe, não posso partilhar essa informação.",
        anything_else="Há mais alguma coisa?",
        hold="Claro.",
        not_reached="Desculpe, não consegui falar com essa pessoa.",
        please_call_back="Por favor, ligue de volta quando puder. Obrigado. Até logo.",
        backchannels=_listed("sim|sim sim|tá|tá bom|está bem|certo|ok|okay|aham|uhum|pois|claro|entendi|ah"),
    ),
    "nl": Phrases(
        disclosure="Goedendag, u spreekt met een automatische AI-assistent.",
        disclosure_for="Goedendag, u spreekt met een automatische AI-assistent die belt namens {who}.",
        introduction="U spreekt met een automatische AI-assistent.",
        introduction_for="U spreekt met een automatische AI-assistent die belt namens {who}.",
        are_you_there="Bent u er nog?",
        cannot_hear="Ik kan u niet horen, dus ik beëindig het gesprek. Tot ziens.",
        not_caught="Sorry, dat heb ik niet verstaan.",
        fillers=("Een ogenblik, alstublieft.", "Eén seconde.", "Een klein moment, alstublieft."),
        still_here="Ik ben er nog, een ogenblik.",
        technical_problem=(
            "Het spijt me, ik heb een technisch probleem en kan dit gesprek niet voortzetten. Tot ziens."
        ),
        goodbye="Dank u wel. Tot ziens.",
        out_of_time="Het spijt me, ik moet het gesprek hier beëindigen. Tot ziens.",
        refusal="Het spijt me, dat mag ik niet delen.",
        anything_else="Is er verder nog iets?",
        hold="Natuurlijk.",
        not_reached="Het spijt me, ik kon daar niemand bereiken.",
        please_call_back="Bel alstublieft terug wanneer u kunt. Dank u wel. Tot ziens.",
        backchannels=_listed("ja|ja ja|mhm|hm|oké|ok|okay|precies|goed|ja hoor|aha|juist|duidelijk|prima"),
    ),
}
