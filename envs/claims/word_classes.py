"""Classes of English words that decide what a sentence claims."""


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


NEGATION = word_set(
    "not no never none nothing nobody nowhere neither nor without cannot cant dont doesnt didnt isnt arent wasnt "
    "wont non don't doesn't didn't isn't aren't wasn't weren't won't can't couldn't wouldn't shouldn't haven't "
    "hasn't hadn't mustn't needn't ain't hardly barely scarcely ~"
)
FALSEHOOD = word_set(
    "false falsely wrong wrongly incorrect incorrectly untrue lie lies lied lying mistake mistaken inaccurate "
    "opposite contrary far instead rather except excluding excepting unlike pretend pretending imagine fake joke "
    "joking kidding nonsense outdated stale misleading error fails failed fictional reverse swap swapped"
)
"""Words that turn a statement into its opposite, without a negation."""
DOUBT = word_set(
    "or either maybe perhaps probably possibly likely unlikely might may would should could must will shall think "
    "guess guessing guessed believe assume assuming assumed assumption suppose supposed supposedly suspect seem "
    "seems seemed appear appears appeared apparently presumably presumed roughly approximately approx almost nearly "
    "hopefully unsure uncertain unclear unknown unverified doubt doubtful dubious if unless whether allegedly "
    "alleged reportedly potentially potential bet depending depends tentatively estimate estimated somewhat somehow "
    "sort supposing ought expected expect intended theory hypothetically theoretically rumour rumor heard told "
    "conceivably arguably anything something any every whichever whatever than other others another parent sibling "
    "child predecessor until otherwise once it'll it'd ? partly partially random randomly stab made invented "
    "knowledge default defaults usually typically sometimes often normally ish nominally probability odds"
)
"""Words that leave open whether a statement, or which of several, holds."""
PAST = word_set(
    "used formerly previously earlier before originally initially past former previous anymore longer yesterday ago old"
)
FUTURE = word_set("soon later tomorrow eventually someday become becomes going planned future wants wish wishes")
PAST_TENSE = word_set("was were had been became")
REPORT = word_set(
    "found shows showed returned reported says set checked looked read see asked requested when listed given "
    "successful succeeded"
)
"""Words that explain a past tense: what was read, holds."""
BEFORE_VALUE = word_set(
    "but above below about around near like beyond under over versus vs against minus beside besides after "
    "following preceding ex un anti pseudo quasi"
)
"""Words that directly before a value change it into another."""
QUESTION_START = word_set("is are was were does do did can could shall should would will may might has have")
SUBJECTS = word_set("it its the this that these those they i we you he she there a an his her their everything all")
"""Words that after a QUESTION_START mark the inverted order of a question."""
COURTESY = word_set(
    "let me know if you need anything else any more other further help information info details detail assistance "
    "with about this that issue issues ticket please just feel free to ask hope helps happy glad can could i do for "
    "is there what have question questions assist want would like thanks thank welcome you're you'd your i'm am be of "
    "service or are something it do reach out in case should require was this here and the a day nice great sure "
    "certainly okay ok course time may how today cheers regards kind best wishes always 's at as well"
)
CLOSING = word_set(
    "else know help helps free questions question welcome thanks thank assist assistance cheers regards sure "
    "certainly okay ok course service nice day"
)
"""A clause of COURTESY words is a courtesy if it has one of these."""
IDIOMS = (
    "no problem",
    "no worries",
    "do not hesitate",
    "don't hesitate",
    "no doubt",
    "without changing anything",
    "without any changes",
    "without changes",
    "without a doubt",
    "no changes were made",
    "nothing was changed",
    "nothing else",
    "as expected",
    "| field | value |",
    "if you need more information",
    "if you need more details",
    "if you need any more details",
    "if you need further information",
    "if you need further details",
    "just ask",
)
"""Phrases that contain a word of another class and yet claim nothing."""
SEPARATORS = word_set(", ; / & + and with while plus whereas but")
OPENING_MARKS = frozenset("\"'`“”„«»‘’*_“")
"""Quotation marks and Markdown emphasis."""
NUMBERS = {
    name: number
    for number, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
     "dozen": 12, "pair": 2}  # fmt: skip
COMMON = word_set(
    "answer issue ticket result report record request response information details data user type status priority "
    "summary title name kind project transition key number value field list count total page object system the a an "
    "is it its has have are of to in for by current order unit item set state assignee as at on be do done open "
    "ready missing"
)
"""Words so frequent that they are a value only in its own spelling."""
OTHER_FIELDS = word_set(
    "reporter creator created updated description labels resolution sprint components component watchers votes due "
    "id self url link comments attachments estimate environment expand"
)
"""Labels of fields that no task asks for; a line with one is a copy of a response."""
