"""The parts of a person's name that came as one text.

Titles and degrees are neither first nor last names; particles ("de la", "van der") belong to the
last name. Every word of the text ends in exactly one part. What cannot be known (is "Maria Garcia
Lopez" a middle name and a last name, or two last names?) follows the usual English order, so show
the whole text as well.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# -- Words ---------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    """dr dre mr mrs ms mx miss mme mlle mister missus madame mademoiselle monsieur doctor docteur
    docteure prof professor professeur professeure rev reverend révérend révérende revd fr father
    sr sister brother abbé elder sir dame rabbi imam honourable honorable capt captain sgt
    sergeant pr"""
)
# With a dot only: they are initials and given names, too.
_TITLES_WITH_DOT = frozenset(["m", "me", "hon", "br", "col", "lt", "maj", "cpl", "cst"])
# Only where first and last name follow: they are given names, too.
_TITLES_OF_SOME = frozenset(
    ["pastor", "chief", "bishop", "judge", "major", "colonel", "lady", "lord", "me"]
)
_TITLES_BEHIND = frozenset(  # of "Last, First Dr."
    ["dr", "dre", "mr", "mrs", "ms", "mx", "miss", "mme", "mlle", "prof", "rev"]
)
_BEFORE_TITLES = frozenset(["the", "very", "right", "most", "and", "et", "&"])

_SUFFIXES = frozenset(["jr", "sr", "jnr", "snr", "ii", "iii", "iv", "esq", "2nd", "3rd"])
_GENERATIONS = frozenset(["fils", "père", "junior", "senior"])  # with a capital, last names, too
_MAIDEN = frozenset(["née", "nee", "né", "aka", "a.k.a.", "dit", "dite", "alias"])

_DEGREES = _words(
    """md mdcm do mbbs mbchb mbbch mb bch bs dmd dds dvm frcpc frcp frcsc frcs facp facs faafp
    frcgp mrcp mrcgp mrcpsych frcpsych ccfp fcfp lmcc em pa ccpa
    rn rpn lpn rna np nppcnp nphc crna cna bn bsn bscn mn msn mscn dnp aprn fnp gnc cpmhn cns rm
    ec inf infirmière infirmier regn
    msw bsw rsw rssw sw ssw lcsw licsw lmsw dsw ts psw csw rp cpsych psyd dclinpsych ccc rcc rpc
    rct cct lmft mft rmft lpc lcpc ps psych
    ot otr otreg reg erg ergo ota pt dpt mpt physio pht slp aud rd rdn ldn pdt rph bscphm pharmd
    bpharm rtc rkin kin rmt rtt mrt rrt dc nd rac lac od mclsc apn cde ibclc
    ba bed bsc bcom ma mba mdiv med mha mhs mhsc mpa mph mphil msc mcp mes mscot mscpt phd dphil
    edd jd llb llm qc kc ed hons cfa cpa pmp cm oc oont cq scd dsc dhsc dmin thd mot"""
)
# Names or initials of many people, too: degrees only where a whole name stands before them.
_ALSO_NAMES = _words(
    """do ma ba pa ed em med mb bs bch reg ota lac jd oc cm ec rd sw bed dc od cns kin erg inf ts
    bn mn pt ot nd rm rp kc qc mes ps rac mot cct ccc"""
)
# What is said behind a name: "Ife Abara, Family Physician, Milltown Clinic".
_ROLES = _words(
    """physician nurse worker psychologist psychiatrist therapist psychotherapist counsellor
    counselor practitioner midwife dietitian pharmacist surgeon specialist manager coordinator
    director assistant consultant clinician supervisor intake resident psychology medicine nursing
    médecin infirmière infirmier travailleur travailleuse psychologue psychiatre ergothérapeute
    physiothérapeute intervenante intervenant coordonnatrice coordonnateur directrice directeur
    sage-femme clinic clinique centre center hospital hôpital health santé team équipe services
    service agency organization association foundation university université college department
    ministry program programme office inc ltd llc corp clsc cisss ciusss chu lhin chc fht
    registered licensed certified clinical they/them she/her he/him elle il iel"""
)

_PARTICLES = _words(
    """de del della dello dei degli dell d da das dos do di du des la le les lo las los van von vom
    der den dem ter ten te zu zum zur af av bin bint ibn ben bar abu abou al el ul st ste saint
    sainte san santa mac mc o ní nic ó ua ui t"""
)
_LOWER_PARTICLES = frozenset(["do", "te", "bar", "t", "lo", "den", "ten", "ter", "das", "dem"])
# With a title before them they begin a last name: "Dr. De Souza", but "Dr. Ben Smith".
_NEVER_GIVEN = frozenset(["de", "del", "della", "du", "des", "von", "dos", "st", "ste"])
_JOINING = frozenset(["y", "e", "i"])  # García y López

_SEGMENT = re.compile(r"(?:\([^()]*\)|\[[^\[\]]*\]|[^,])+")
_WORD = re.compile(r"\([^()]*\)\S*|\[[^\[\]]*\]\S*|\S+")
_REMARK = re.compile(r"\s*[|;•]\s*|\s+[–—/]\s+")
_SPACED_HYPHEN = re.compile(r"\s+-\s+")
_GLUED_TITLE = re.compile(r"\b(Dre?|Mr|Mrs|Ms|Mme|Mlle|Prof)\.(?=[^\W\d_])")
_INITIAL = re.compile(r"[^\W\d_]\.?")
_MARKS = re.compile(r"[.'’`´\"“”«»()\[\]]")
_LINK = re.compile(r"[/&+()\[\]-]+")
_BRACKETS = ("(", "[")

_LONGEST = 500

Words = list[str]


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, in the parts that records keep."""

    first: str = ""
    middle: str = ""
    last: str = ""
    prefix: str = ""  # titles
    suffix: str = ""  # Jr., degrees, and what else stands behind the name

    @property
    def full(self) -> str:
        """The name as it is said, without title and suffix."""
        return " ".join(part for part in (self.first, self.middle, self.last) if part)

    @property
    def whole(self) -> str:
        """The name with all its parts."""
        named = " ".join(part for part in (self.prefix, self.full) if part)
        return ", ".join(part for part in (named, self.suffix) if part)


# -- Reading -------------------------------------------------------------------------------------


def parse_name(text: str) -> Name:
    """Return the parts of a person's name; never give it the name of an organization.

    Understands "First Last, Jr.", "Last, First Middle, MD" and "LAST First". A single word is a
    last name, and so is a text that is too long for a name.
    """
    text = " ".join(_unglued(text).split())
    if len(text) > _LONGEST:
        return Name(last=text)
    named, *remarks = _REMARK.split(text, maxsplit=1)
    segments = list(filter(None, map(_WORD.findall, _segments(named))))
    if not segments:
        return Name(suffix=" ".join(remarks))
    titles, words = _titles(segments[0], keep=1)
    core, suffix = _behind(words)
    given: list[Words] = []
    for segment in segments[1:]:
        more_titles, words = ([], segment) if _is_remark(segment) else _titles(segment, keep=0)
        titles += more_titles
        # "Dr. Ife Abara, Milltown": after a title and a whole name comes no given name.
        if _is_remark(words) or (titles and _given_and_last(core, titles)[0]):
            suffix += words
        elif words:
            given.append(words)
    return _name(core, given, titles, [*suffix, *filter(None, remarks)])


def _unglued(text: str) -> str:
    return _GLUED_TITLE.sub(r"\1. ", text)


def _segments(text: str) -> Words:
    """Return what stands between commas, but not those in brackets, and behind hyphens."""
    parts = _SPACED_HYPHEN.split(text)
    joined = parts[:1]
    for part in parts[1:]:
        is_remark = _is_remark(part.split(",")[0].split())
        joined[-1] += f", {part}" if is_remark else f"-{part}"
    return _SEGMENT.findall("".join(joined))


def _name(core: Words, given: list[Words], titles: Words, suffix: Words) -> Name:
    """Build the name from its first segment and those behind a comma that are names."""
    sure = [words for words in given if not all(map(_is_also_a_name, words))]
    if sure or len(core) > 1 or titles:  # then "MA" behind a comma is a degree
        suffix = suffix + [word for words in given if words not in sure for word in words]
        given = sure
    if not given:
        first_words, last = _given_and_last(core, titles)
    else:
        first_words, last = [], core
        for words in given:
            names, behind = _behind(words)
            while len(names) > 1 and _key(names[-1]) in _TITLES_BEHIND:
                titles = [*titles, names.pop()]
            first_words, suffix = first_words + names, suffix + behind
        while len(first_words) > 1 and _is_particle(first_words[-1]) and first_words[-1].islower():
            last = [first_words.pop(), *last]
    first, middle = first_words[:1], first_words[1:]
    return Name(*map(" ".join, (first, middle, last, titles, suffix)))


def _given_and_last(words: Words, titles: Words) -> tuple[Words, Words]:
    """Split "First Middle Last" and, where capitals tell it, "LAST First"."""
    shouted = [_is_shouted(word) for word in words]
    if any(shouted) and not all(shouted):
        lead = shouted.index(False)
        if lead and not any(shouted[lead:]) and any(map(str.islower, "".join(words[lead:]))):
            return words[lead:], words[:lead]
        tail = shouted.index(True)
        if all(shouted[tail:]):
            return words[:tail], words[tail:]
    at = len(words) - 1
    starts_last = words[0].islower() or (titles and _key(words[0]) in _NEVER_GIVEN)
    least = 0 if starts_last and _is_particle(words[0]) else 1
    while at > least:
        if _is_particle(words[at - 1]):
            at -= 1
        elif words[at - 1] in _JOINING and at - 2 >= max(least, 1):
            at -= 2
        else:
            break
    return words[:at], words[at:]


# -- What a word is ------------------------------------------------------------------------------


def _titles(words: Words, keep: int) -> tuple[Words, Words]:
    """Split the titles in front of the words, of which at least `keep` are left."""
    count = 0
    while len(words) - count > keep and _is_title(words[count], words[count + 1 :]):
        count += 1
    return words[:count], words[count:]


def _is_title(word: str, behind: Words) -> bool:
    key = _key(word)
    if key in _TITLES:
        return True
    if key in _BEFORE_TITLES:
        return bool(behind) and _key(behind[0]) in _TITLES | _TITLES_WITH_DOT
    if key in _TITLES_WITH_DOT and word.endswith("."):
        return bool(behind) and not _INITIAL.fullmatch(behind[0])
    return key in _TITLES_OF_SOME and word.istitle() and len(behind) > 1


def _behind(words: Words) -> tuple[Words, Words]:
    """Split what stands behind a name without a comma: Jr., degrees, brackets, "née Roy"."""
    maiden = (at for at, word in enumerate(words) if at and word in _MAIDEN)
    end = next(maiden, len(words))
    is_loud = all(word.isupper() for word in words)
    while end > 1:
        if _is_behind(words[end - 1], end - 1, is_loud):
            end -= 1
        elif end > 2 and _is_spaced_degree(words[end - 2 : end]):
            end -= 2
        else:
            break
    return words[:end], words[end:]


def _is_behind(word: str, before: int, is_loud: bool) -> bool:
    if word.startswith(_BRACKETS):
        return True
    key = _key(word)
    if key in _GENERATIONS:
        return before > 1 and (word.islower() or is_loud)
    if key in _SUFFIXES:
        return before > 1 or key in ("jr", "sr")
    if not _is_degree(word):
        return False
    capitals = sum(map(str.isupper, word))
    if _is_also_a_name(word):
        return before > 1 and ("." in word or (capitals > 1 and not is_loud))
    return capitals != 1 or "." in word or len(key) > 2


def _is_degree(word: str) -> bool:
    key = _key(word)
    if key in _DEGREES:
        return True
    parts = [_key(part) for part in _LINK.split(word) if part]
    known = [part for part in parts if part in _DEGREES]
    return bool(known) and all(part in _DEGREES or len(part) == 1 for part in parts)


def _is_spaced_degree(words: Words) -> bool:
    """Return whether the words are one degree: "M. D.", "B. Sc."."""
    return all(word.endswith(".") for word in words) and _key("".join(words)) in _DEGREES


def _is_also_a_name(word: str) -> bool:
    return _key(word) in _ALSO_NAMES


def _is_remark(words: Words) -> bool:
    """Return whether the words behind a comma are no names: suffixes, degrees, roles, places."""
    if not words or all(map(_is_also_a_name, words)):
        return False
    keys = [_key(word) for word in words]
    plain = [key for word, key in zip(words, keys, strict=True) if not word.startswith(_BRACKETS)]
    if words[0] in _MAIDEN or any(key in _ROLES for key in plain):
        return True
    if _key("".join(words)) in _DEGREES:
        return True
    degrees = [_is_degree(word) for word in words]
    return all(
        is_degree
        or key in _SUFFIXES
        or key in _GENERATIONS
        or word.startswith(_BRACKETS)
        or (any(degrees) and (word.isupper() or word.endswith(".")))
        for word, key, is_degree in zip(words, keys, degrees, strict=True)
    )


def _is_particle(word: str) -> bool:
    key = _key(word)
    if key not in _PARTICLES or (key in _LOWER_PARTICLES and not word.islower()):
        return False
    # "D." and "O" are initials.
    return len(key) > 1 or key == "ó" or word.islower() or word[-1] in "'’"


def _is_shouted(word: str) -> bool:
    """Return whether the word is in capitals, and not because it is made of initials."""
    letters = sum(map(str.isalpha, word))
    return word.isupper() and "." not in word and (letters > 2 or _is_particle(word))


def _key(word: str) -> str:
    return _MARKS.sub("", word).casefold()


# -- Filling gaps --------------------------------------------------------------------------------


def complete(structured: Name, text: str) -> Name:
    """Return the structured parts, with their gaps filled from the text.

    A text that names somebody else (none of the structured names stand in it) fills nothing.
    """
    parsed = parse_name(text)
    known = Counter(map(_key, structured.full.split()))
    if known and not known & Counter(map(_key, parsed.full.split())):
        return structured
    given = _unknown(f"{parsed.first} {parsed.middle}", known)
    family = _unknown(parsed.last, known)
    if structured.last:
        given, family = given + family, []
    elif not family:
        given, family = [], given
    first = [structured.first] if structured.first else given[:1]
    middle = given if structured.first else given[1:]
    return Name(
        first=" ".join(first),
        middle=structured.middle or " ".join(middle),
        last=structured.last or " ".join(family),
        prefix=structured.prefix or parsed.prefix,
        suffix=structured.suffix or parsed.suffix,
    )


def covers(name: Name, text: str) -> bool:
    """Return whether every word of the text stands in the name."""
    return not Counter(_keys(_unglued(text))) - Counter(_keys(name.whole))


def _unknown(text: str, known: Counter[str]) -> Words:
    """Return the words that are not known yet; each known one counts once."""
    left = []
    for word in text.split():
        if known[_key(word)]:
            known[_key(word)] -= 1
        else:
            left.append(word)
    return left


def _keys(text: str) -> Iterable[str]:
    return filter(None, map(_key, re.split(r"[\s,|;•/‐–—-]+", text)))
