"""Words that give nothing away by themselves: the everyday language of telephone calls, and light stemming.

Tables only. A word of four letters or more that is not in here is taken for telling. Words with a sting in
them (debt, illness, drink) are told apart by `delicate_words`, whether or not they are in here.
"""

from __future__ import annotations

from functools import lru_cache

from byourside_server.conversation.words import word_set

# Dropped where runs of words are compared.
FUNCTION_WORDS = word_set(
    "a an the and or but nor so if then than that this these those there here of in on at to for from by "
    "with about as into onto over under up down out off through between among during before after since "
    "until till while because though although i me my mine myself we us our ours you your yours yourself he "
    "him his she her hers it its they them their theirs who whom whose which what when where why how is am "
    "are was were be been being do does did done doing have has had having will would shall should can could "
    "may might must not no don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't couldn't "
    "shouldn't i'm i've i'll i'd you're you've you'll you'd he's she's it's we're we've we'll they're "
    "they've they'll that's there's let's very just also only too again still yet already even much many "
    "more most less least some any all both each every either neither other another such own same um uh er "
    "erm like well okay ok oh yes yeah please"
)
_PEOPLE = (
    "hello good morning afternoon evening night welcome dear sir madam mister missus miss lady gentleman "
    "people person somebody someone anybody anyone everybody everyone nobody name surname family mother "
    "father parent child children boy girl man woman men women baby brother sister friend neighbour neighbor "
    "guest visitor customer client patient member owner caller contact colleague team staff manager boss "
    "director assistant agent receptionist secretary doctor nurse dentist teacher student driver worker "
    "employee employer candidate applicant tenant landlord husband wife partner son daughter grandmother "
    "grandfather aunt uncle cousin lawyer judge officer chef waiter engineer mechanic plumber electrician "
    "technician supplier buyer seller host group party crowd kid adult user human robot machine computer "
    "himself herself themselves itself"
)
_TELEPHONE = (
    "call phone telephone mobile cell number line voice voicemail message ring dial answer reply talk speak "
    "spoke spoken say said tell told ask question hear heard listen sound repeat spell mean meaning word "
    "sentence letter language english german spanish french moment second minute hold wait busy reach "
    "transfer connect contact mrs goodbye bye thank thanks sorry excuse pardon apologize apology help assist "
    "assistance automated assistant behalf regarding concerning record recording email mail text website "
    "online internet link address"
)
_TIME = (
    "time date day week month year hour today tomorrow yesterday tonight weekend weekday midday noon "
    "midnight early earlier late later soon now then once twice never ever always often sometimes usually "
    "daily weekly monthly yearly annual annually last next past future present current currently recent "
    "recently ago begin beginning start end finish continue stop long short quick quickly slow slowly fast "
    "ready schedule reschedule calendar deadline holiday vacation birthday season spring summer autumn fall "
    "winter o'clock half quarter exact exactly instead prior further since period while meantime immediately "
    "suddenly finally eventually"
)
_BUSINESS = (
    "appointment meeting visit session interview event booking reservation book reserve arrange arrangement "
    "plan confirm confirmation cancel cancellation change move postpone delay available availability free "
    "open close closed opening slot table seat seating room place space hall house home apartment flat floor "
    "building office desk counter entrance door window garden kitchen bathroom bedroom street road avenue "
    "lane square city town village country area region north south east west left right corner side front "
    "back inside outside near nearby far distance mile kilometre kilometer meter foot feet inch size large "
    "small big little high low order package parcel delivery deliver shipment ship send sent receive pick "
    "pickup collect collection bring brought take took taken carry drop return exchange item product stock "
    "supply quality quantity piece pair box bag case bottle cup glass plate letter paper document form page "
    "file copy print sign signature note list information info detail description report result reason "
    "subject topic issue matter problem trouble mistake error fault condition state status situation "
    "circumstance example kind type sort version model brand make part service repair fix maintenance "
    "install installation clean cleaning check inspect inspection test quote estimate offer price cost "
    "charge rate value amount total sum bill invoice receipt payment pay paid deposit discount fee tax cash "
    "card credit cheque bank account money dollar euro pound cent penny percent cheap expensive worth afford "
    "spend spent save sell sale sold buy bought purchase rent lease business company firm shop store market "
    "restaurant hotel cafe bar school university college clinic hospital pharmacy practice gym church museum "
    "theatre theater cinema park station airport train bus plane flight taxi bike car truck van vehicle "
    "engine wheel tire tyre travel trip tour journey drive drove ride ticket passport luggage water food "
    "meal breakfast lunch dinner snack menu drink coffee tea bread meat fish fruit vegetable salad cake "
    "sugar salt milk egg taste sweet fresh cold warm hot cool heat heating light lights dark electric power "
    "electricity gas boiler fridge oven lamp roof wall ceiling stair stairs elevator lift key lock gate "
    "parking garage yard tree flower grass animal dog cat bird horse weather rain snow wind sun sunny cloud "
    "storm color colour black white red green blue yellow brown grey gray orange pink purple gold silver "
    "metal steel wood plastic stone cotton leather shirt shoe dress coat hat clothes watch ring chair sofa "
    "couch bed shelf furniture carpet mirror camera screen laptop tablet printer software program system "
    "network wifi password"
)
_DOING = (
    "able accept accident according across act action active activity actual actually add addition "
    "additional advance advice afraid age agree agreement ahead aim allow almost alone along aloud alright "
    "altogether among annual apart appear apply application appreciate approach approve approximately argue "
    "arise arrive arrival around aside asleep assume assure attach attempt attend attention attract average "
    "avoid awake aware away awful bad badly base basic basically basis bear beautiful became become behave "
    "behind believe belong below benefit beside besides best better beyond bit blank block board body born "
    "borrow bother bottom bound break breath bright broad broken build built burn button calm capable care "
    "careful carefully catch caught cause center centre central certain certainly chance chapter cheer "
    "choice choose chose circle claim class clear clearly click climb coast code collect combine come came "
    "comfort comfortable comment common commonly communicate community compare comparison compete complete "
    "completely complex concern condition consider constant contain content continue contract contrast "
    "control convenient conversation cook copy correct correctly count couple course cover create cross "
    "culture curious custom cut damage dance danger dangerous data deal decide decision deep definite "
    "definitely degree demand department depend describe deserve design desire destroy determine develop "
    "development difference different difficult difficulty dinner direct direction directly dirty disappear "
    "discover discuss discussion distant divide double doubt draw drawn dream drop dry due dust duty eager "
    "ear earn earth ease easily easy eat edge education effect effort eight either else empty encourage "
    "energy enjoy enough enter entire entirely equal equipment escape especially essential even event "
    "evidence exam examine excellent except exchange excited exciting exist expect experience expert explain "
    "express extra extremely eye face fact factor fail fair fairly faith fall familiar famous fan farm "
    "fashion favor favorite favour favourite fear feature feed feel feeling fell felt few field fight figure "
    "fill film final find fine finger fire firm first fit flat fly focus folk follow following force foreign "
    "forget forgot forgotten form forward found frame frequent frequently friendly full fully fun function "
    "funny gain game gather general generally gentle get gift give gave given glad go goal gone got "
    "government grand grant great greatly ground grow grew growth guess guide habit hair half hand handle "
    "handy hang happen happy hard hardly hate head health healthy heart heavy held hide hidden hit honest "
    "honestly honor hope hopefully huge hurry hurt idea identify ignore image imagine importance important "
    "impossible improve include included including income increase indeed independent indicate individual "
    "industry influence inform initial inquire inquiry insist instance instruct instruction insurance intend "
    "interest interested interesting introduce invite invitation involve island job join joke judge jump "
    "keep kept kick kind kindly knew know knowledge known lack land large largely laugh law lay lead learn "
    "leave led leg lend length lesson let level library lie life likely limit listen live load local "
    "location logical lonely look loose lose loss lost lot loud love lovely luck lucky mad main mainly major "
    "manage mark marry married mass master match material maximum maybe measure media medical medicine meet "
    "met memory mention mess middle mile mind minimum minor minute mix modern monday tuesday wednesday "
    "thursday friday saturday sunday mood mostly mountain mouth movement movie music narrow nation national "
    "natural naturally nature neat necessary need nervous new news nice noise none normal normally nothing "
    "notice object objective obvious obviously occasion occasionally occur odd official old older one only "
    "operate operation opinion opportunity opposite option ordinary organize organization original otherwise "
    "ought overall pack pain paint particular particularly partly pass passage patience pattern pause peace "
    "perfect perfectly perform perhaps permission permit personal personally photo physical picture planet "
    "play pleasant please pleased pleasure plenty plus pocket point police polite politely poor popular "
    "position positive possible possibly possibility post pot potential practical prefer preferred "
    "preference prepare preparation press pressure pretend pretty prevent previous previously print private "
    "probably procedure proceed process produce professional profit project promise proof proper properly "
    "protect proud prove provide public pull purpose push put quiet quite race radio raise range rapid rare "
    "rarely rather read reach react reaction real realise reality realize really receive recipe recognise "
    "recognize recommend recommendation reduce refer refuse regard regular regularly relate relation "
    "relationship relative relax release rely remain remark remember remind reminder remove renew renewal "
    "rent replace replacement reply represent request require required requirement research respect respond "
    "response responsible responsibility rest review rich rise risk river role roll rough roughly round row "
    "rule run rush sad safe safety same sample satisfied satisfy scale scene science score scratch search "
    "secret section secure see seen seem select self send sense sensible separate series serious seriously "
    "serve set settle several shadow shake shape share sharp short shortly shot shoulder shout show shut "
    "sick sight signal silence silent silly similar simple simply single sit site skill skin sky sleep "
    "slight slightly smart smell smile smoke smooth social society soft solid solution solve somehow "
    "something sometime somewhat somewhere song soul source special specific specifically speech speed "
    "spread stage stand standard star stay steady step stick stock stood story straight strange stranger "
    "strength stress strike string strong structure struggle study stuff style succeed success successful "
    "sudden suffer suggest suggestion suit suitable summary supper support suppose sure surely surface "
    "surname surprise surround survey sweet swim switch sympathy table talent tall tap target task teach "
    "team tear technical technology teeth term terms terrible test than theory thick thin thing think "
    "thought thorough though threw throat through throw tidy tie tight tiny tip tired title together toilet "
    "tomorrow tone tongue tonight tool tooth top touch tough toward towards trade traditional traffic train "
    "training treat treatment trick tried trouble true truly trust truth try turn twin two typical typically "
    "unable uncertain understand understood undecided unfortunately unique unit unless unlikely until upon "
    "upset urgent urgently use used useful usual usually valid various via video view voice volume vote wake "
    "walk want war warn warning wash waste way weak wear weigh weight whatever whenever wherever whether "
    "whichever whole wide wild willing win wish within without wonder wonderful work working world worry "
    "worse worst write written wrong wrote young zero bye background context brief prompt going against "
    "former viewing utility utilities lease tenant membership member trip choir concert hall chairs bracket "
    "brackets miles owner ownership office hours approximate elevator stairs nights holiday"
)
_NUMERALS = (
    "three four five six seven nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen third "
    "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
)
_GERMAN = (
    "aber alle allem allen aller alles also andere anderen auch auf aus bald beim bereits besser bestätigen "
    "bestatigen bitte bleiben brauchen bringen dabei dafur dann daran darf dass dazu dein deine dem den denn "
    "der deren des dessen deutsch dich dies diese diesem diesen dieser dieses doch dort durch einem einen "
    "einer eines einfach ende erst etwa etwas fragen frage freitag fruh ganz geben gehen gehort genau gern "
    "gerne gesagt gestern gibt gleich gut guten habe haben hallo hatte hatten heute hier hinter ihm ihn "
    "ihnen ihr ihre ihrem ihren ihrer immer jahr jede jeder jetzt kann kannst kein keine keinen kommen kommt "
    "konnen konnte konnten lassen leider lieber machen mann mehr mein meine meinem meinen meiner melden mich "
    "mittag mittwoch mochte mochten moglich monat montag morgen muss mussen nach nachmittag nachricht nacht "
    "name namen naturlich neben nehmen nein nicht nichts noch nummer oder ohne rufe rufen sagen samstag "
    "schon sehen sehr sein seine seinem seinen seiner seit sich sind sollen sollte sonntag spater sprechen "
    "stunde stunden tag tage tagen termin uber uhr und uns unser unsere unter vielen viel vielleicht vom von "
    "vor vorbei war waren warum was weil weiter weiss welche welcher wenn werden werde wie wieder "
    "wiederhoren will wird wissen woche wochen wohl wollen wurde wurden zeit zum zur zusammen zwischen "
    "automatischer assistent donnerstag dienstag besuch patient praxis euro danke dank gerade"
)
_SPANISH = (
    "adios ahora algo alguien alguna alguno alli ante antes aqui asi aunque bien buena buenas bueno buenos "
    "cada casa casi cerca cierto claro cliente comida como confirmar con contra cosa cosas cual cuando "
    "cuanto cuenta dar debe deber decir deja del desde despues dia dias dice dicen dijo donde durante ella "
    "ellas ellos empresa encuentra entonces entre entrega era eran eres esa ese eso esos esta estaba estado "
    "estamos estan estar este esto estos estoy favor fecha fue fuera gracias gran grande habla hablar hace "
    "hacer hacia hasta hay hola hora horas hoy informacion jueves lado lejos llama llamada llamo llegar "
    "luego lunes lugar malo manana martes mas mayor mejor menos mensaje mes mesa mientras mismo momento "
    "mucha muchas mucho muchos muy nada nadie ninguna ninguno noche nombre nosotros nueva nuevo numero nunca "
    "otra otras otro otros para parte pasa pero persona piso poco podemos poder podria porque posible precio "
    "preguntar preguntare primero problema puede pueden puedo pues quien quiere quiero quisiera saber sabe "
    "sabado segundo semana senor senora sera servicio siempre siento sigue sin sino sobre solo somos son soy "
    "suya suyo tambien tampoco tanto tarde tener tengo tiempo tiene tienen todavia toda todas todo todos "
    "tras trata tres unas unos usted ustedes vale vamos varios veces venir verdad vez viernes vive volver "
    "viene miercoles domingo apunto acuerdo"
)
_FRENCH = (
    "alors apres aucun aujourd aussi autre autres avant avec avez avons bien bonjour bonsoir cela cette ceux "
    "chez chose comme comment dans depuis deux dire dois donc elle elles encore entre etait etes etre faire "
    "fait faut fois heure heures hier jamais jeudi jour jours lundi mardi mais matin meme merci mercredi "
    "moins monsieur madame nous notre nuit numero parce parler pas personne peut peux plus pour pourquoi "
    "pouvez premier prendre quand quel quelle quelque rendez rien samedi sans sera semaine seulement soir "
    "sommes sont sous suis surtout tard temps toujours tous tout toute tres trop vendredi vers viens votre "
    "vous voudrais vrai"
)
_ITALIAN_AND_PORTUGUESE = (
    "allora anche ancora bene buona buongiorno buonasera casa come cosa cosi dalla della delle dello domani "
    "dopo dove ecco giorno grazie hanno mattina meglio molto niente nome nostro numero oggi ogni ora perche "
    "pero piu poco possibile posso prego prima puo qualche quando quanto quello questa questo sempre senza "
    "sera siamo solo sono stato tutto vorrei agora ainda amanha antes aqui assim boa bom cada coisa dele "
    "dela depois dia eles entao esta estou fazer hoje isso mais manha melhor mesmo minha muito nada nao "
    "noite nosso nunca obrigado obrigada onde ontem para pela pelo pode porque pouco primeiro qual quem "
    "quero sabe senhor senhora sobre tambem tarde tem tempo tenho tudo uma voce"
)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without its commonest English endings: "appointments" → "appointment", "declined" → "declin"."""
    word = word.partition("'")[0] or word
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        word = _undoubled(word[:-3])
    elif len(word) > 4 and word.endswith("ed"):
        word = _undoubled(word[:-2])
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _undoubled(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls" else word


_EVERYDAY = f"{_PEOPLE} {_TELEPHONE} {_TIME} {_BUSINESS} {_DOING} {_NUMERALS}"
_ABROAD = f"{_GERMAN} {_SPANISH} {_FRENCH} {_ITALIAN_AND_PORTUGUESE}"


def stems(listed: str) -> frozenset[str]:
    """The stems of words written as one text."""
    return frozenset(map(stem, listed.split()))


FUNCTION_STEMS = frozenset(map(stem, FUNCTION_WORDS))
COMMON = FUNCTION_STEMS | stems(f"{_EVERYDAY} {_ABROAD}")
# Two of these side by side are in every call: "next week", "phone number", "front desk".
_SET_PHRASES = (
    "get go come take make let know see want need like front desk office card credit insurance room table "
    "price hotel street company customer client patient member full money bank health public home house"
)
ORDINARY = stems(f"{_TELEPHONE} {_TIME} {_NUMERALS} {_SET_PHRASES} {_ABROAD}")
# Everyday words that are names of people where they stand with a capital in mid-sentence.
ALSO_NAMES = stems(
    "mark bill rich hope rose summer young white black brown green gray cook price page stone star faith "
    "grace dawn art gene pat sue drew chase lane wood king"
)
