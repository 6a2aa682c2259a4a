import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.sources.values.names import Name, complete, covers, parse_name

# text | first | middle | last | prefix | suffix
PEOPLE = """
Saga Lindqvist | Saga |  | Lindqvist |  |
Saga Ann Lindqvist | Saga | Ann | Lindqvist |  |
Maria Dolores Garcia Quiroga | Maria | Dolores Garcia | Quiroga |  |
Lindqvist, Saga | Saga |  | Lindqvist |  |
Lindqvist, Saga Ann | Saga | Ann | Lindqvist |  |
Lindqvist,Saga | Saga |  | Lindqvist |  |
Madonna |  |  | Madonna |  |
J. R. R. Tolkien | J. | R. R. | Tolkien |  |
Dr. Ife Abara, MD | Ife |  | Abara | Dr. | MD
Dr Ife Abara | Ife |  | Abara | Dr |
DR. IFE ABARA | IFE |  | ABARA | DR. |
Dr.Ife Abara | Ife |  | Abara | Dr. |
dr. ife abara md | ife |  | abara | dr. | md
Dr. Abara |  |  | Abara | Dr. |
Abara, Dr. Ife | Ife |  | Abara | Dr. |
Abara, Ife Dr. | Ife |  | Abara | Dr. |
Dr. Abara, Ife | Ife |  | Abara | Dr. |
Abara, Ife, MD | Ife |  | Abara |  | MD
Abara, Ife, M.D., FRCPC | Ife |  | Abara |  | M.D. FRCPC
Abara MD, Ife | Ife |  | Abara |  | MD
Abara, MD |  |  | Abara |  | MD
Ife Abara, Dr. | Ife |  | Abara | Dr. |
Ife Abara MD | Ife |  | Abara |  | MD
Ife Abara, md | Ife |  | Abara |  | md
Ife Abara M.D. | Ife |  | Abara |  | M.D.
Ife Abara, M. D. | Ife |  | Abara |  | M. D.
Ife Abara M. D. | Ife |  | Abara |  | M. D.
Ife Abara, MD, CCFP | Ife |  | Abara |  | MD CCFP
Ife Abara MD CCFP (EM) | Ife |  | Abara |  | MD CCFP (EM)
Ife Abara, MD CCFP(EM) FCFP | Ife |  | Abara |  | MD CCFP(EM) FCFP
Ife Abara, BScN, RN(EC) | Ife |  | Abara |  | BScN RN(EC)
Ife Abara, RN/NP | Ife |  | Abara |  | RN/NP
Harleen Singh, M.S.W., R.S.W. | Harleen |  | Singh |  | M.S.W. R.S.W.
Harleen Singh MSW RSW | Harleen |  | Singh |  | MSW RSW
Harleen Singh, Msw | Harleen |  | Singh |  | Msw
Harleen Singh PhD | Harleen |  | Singh |  | PhD
Harleen Singh, Ph. D. | Harleen |  | Singh |  | Ph. D.
Harleen Singh, C. Psych. | Harleen |  | Singh |  | C. Psych.
Harleen Singh (RN) | Harleen |  | Singh |  | (RN)
Harleen Singh [LPN] | Harleen |  | Singh |  | [LPN]
Harleen Singh, OT Reg. (Ont.) | Harleen |  | Singh |  | OT Reg. (Ont.)
Harleen Singh OT Reg. (Ont.) | Harleen |  | Singh |  | OT Reg. (Ont.)
Harleen Singh, B.A. (Hons) | Harleen |  | Singh |  | B.A. (Hons)
Harleen Singh, DDS | Harleen |  | Singh |  | DDS
Harleen Singh, DO | Harleen |  | Singh |  | DO
Harleen Singh DO | Harleen |  | Singh |  | DO
Harleen Singh, MA | Harleen |  | Singh |  | MA
Harleen Singh M.A. | Harleen |  | Singh |  | M.A.
Singh, Harleen, MA | Harleen |  | Singh |  | MA
Harleen Singh - RN | Harleen |  | Singh |  | RN
Harleen Singh – Milltown FHT | Harleen |  | Singh |  | Milltown FHT
Harleen Singh, Social Worker | Harleen |  | Singh |  | Social Worker
Harleen Singh, Registered Nurse | Harleen |  | Singh |  | Registered Nurse
Dr. Ife Abara, Milltown Family Health Team | Ife |  | Abara | Dr. | Milltown Family Health Team
Ife Abara, Milltown Family Health Team | Ife |  | Abara |  | Milltown Family Health Team
Jean Roy, inf. | Jean |  | Roy |  | inf.
Jean Roy inf. | Jean |  | Roy |  | inf.
Jean Roy, t.s. | Jean |  | Roy |  | t.s.
Dre Marie-Ève Côté | Marie-Ève |  | Côté | Dre |
Mme Mireille Tremblay-Okafor | Mireille |  | Tremblay-Okafor | Mme |
Mireille Tremblay - Okafor | Mireille |  | Tremblay-Okafor |  |
M. Jean Tremblay | Jean |  | Tremblay | M. |
M. Tremblay |  |  | Tremblay | M. |
M. A. Smith | M. | A. | Smith |  |
Mlle Anne Roy | Anne |  | Roy | Mlle |
Mr. John Smith | John |  | Smith | Mr. |
MR JOHN SMITH | JOHN |  | SMITH | MR |
Mrs Smith |  |  | Smith | Mrs |
Ms. Ann Smith | Ann |  | Smith | Ms. |
Mx. Robin Lee | Robin |  | Lee | Mx. |
Miss Ann Lee | Ann |  | Lee | Miss |
Prof. Dr. Anna Berg | Anna |  | Berg | Prof. Dr. |
Rev. Otto Varga | Otto |  | Varga | Rev. |
Sr. Mary Agnes | Mary |  | Agnes | Sr. |
Fr. John Doyle | John |  | Doyle | Fr. |
Hon. Anna Berg | Anna |  | Berg | Hon. |
The Hon. Anna Berg | Anna |  | Berg | The Hon. |
Elder Rose Moses | Rose |  | Moses | Elder |
Mr. and Mrs. Smith |  |  | Smith | Mr. and Mrs. |
Pastor John Doyle | John |  | Doyle | Pastor |
Pastor Maldonado | Pastor |  | Maldonado |  |
Otto Varga, Jr. | Otto |  | Varga |  | Jr.
Otto Varga Jr. | Otto |  | Varga |  | Jr.
Otto Varga Jr | Otto |  | Varga |  | Jr
Varga, Otto Jr. | Otto |  | Varga |  | Jr.
Varga, Otto, Jr. | Otto |  | Varga |  | Jr.
Varga, Jr., Otto | Otto |  | Varga |  | Jr.
Varga Jr., Otto | Otto |  | Varga |  | Jr.
Otto Varga, Sr. | Otto |  | Varga |  | Sr.
Otto Varga III | Otto |  | Varga |  | III
Otto Varga, II, MD | Otto |  | Varga |  | II MD
Jean Tremblay fils | Jean |  | Tremblay |  | fils
Jean Tremblay, père | Jean |  | Tremblay |  | père
Dr. Otto Varga Jr., MD, PhD | Otto |  | Varga | Dr. | Jr. MD PhD
Maria de Souza | Maria |  | de Souza |  |
Maria De Souza | Maria |  | De Souza |  |
MARIA DE SOUZA | MARIA |  | DE SOUZA |  |
Maria de la Cruz | Maria |  | de la Cruz |  |
Ana Maria dos Santos | Ana | Maria | dos Santos |  |
José García y López | José |  | García y López |  |
Jan van der Berg | Jan |  | van der Berg |  |
Jan Van Der Berg | Jan |  | Van Der Berg |  |
Berg, Jan van der | Jan |  | van der Berg |  |
van der Berg, Jan | Jan |  | van der Berg |  |
Ludwig von Berg | Ludwig |  | von Berg |  |
Mohammed bin Ali | Mohammed |  | bin Ali |  |
Noor al Haddad | Noor |  | al Haddad |  |
Noor al-Haddad | Noor |  | al-Haddad |  |
Noor El Haddad | Noor |  | El Haddad |  |
Leila Ben Ali | Leila |  | Ben Ali |  |
Ben Smith | Ben |  | Smith |  |
Dr. Ben Smith | Ben |  | Smith | Dr. |
Van Morrison | Van |  | Morrison |  |
de Souza |  |  | de Souza |  |
Dr. De Souza |  |  | De Souza | Dr. |
Ann St. Pierre | Ann |  | St. Pierre |  |
Ann St Pierre | Ann |  | St Pierre |  |
Ann Mac Donald | Ann |  | Mac Donald |  |
Jean Le Blanc | Jean |  | Le Blanc |  |
Jeanne d'Arc | Jeanne |  | d'Arc |  |
Pat O'Brien | Pat |  | O'Brien |  |
John D. Smith | John | D. | Smith |  |
John O Smith | John | O | Smith |  |
Kim Do | Kim |  | Do |  |
Kim DO | Kim |  | DO |  |
Do, Kim | Kim |  | Do |  |
Yo-Yo Ma | Yo-Yo |  | Ma |  |
Ma, Jun | Jun |  | Ma |  |
Jun, Ma | Ma |  | Jun |  |
Thi Ha Do | Thi | Ha | Do |  |
Md Rahman | Md |  | Rahman |  |
Ma |  |  | Ma |  |
Dr. |  |  | Dr. |  |
TREMBLAY Marie-Ève | Marie-Ève |  | TREMBLAY |  |
DE SOUZA Maria Ana | Maria | Ana | DE SOUZA |  |
Marie-Ève TREMBLAY OKAFOR | Marie-Ève |  | TREMBLAY OKAFOR |  |
Marie TREMBLAY | Marie |  | TREMBLAY |  |
JP Smith | JP |  | Smith |  |
Mary Smith (née Jones) | Mary |  | Smith |  | (née Jones)
Mary Smith née Jones | Mary |  | Smith |  | née Jones
Elizabeth (Liz) Smith | Elizabeth | (Liz) | Smith |  |
Robert "Bob" Smith | Robert | "Bob" | Smith |  |
Jane Doe (she/her) | Jane |  | Doe |  | (she/her)
Sarah Nurse | Sarah |  | Nurse |  |
Nurse, Sarah | Sarah |  | Nurse |  |
王小明 |  |  | 王小明 |  |
محمد علي | محمد |  | علي |  |
ᐃᓄᒃ ᐊᓪᓚ | ᐃᓄᒃ |  | ᐊᓪᓚ |  |
Иван Петров | Иван |  | Петров |  |
Saga   Lindqvist | Saga |  | Lindqvist |  |
, |  |  |  |  |
"""


def people():
    rows = (map(str.strip, line.split("|")) for line in PEOPLE.strip().splitlines())
    return [(text, Name(*parts)) for text, *parts in rows]


@pytest.mark.parametrize(("text", "name"), people())
def test_a_name_is_taken_apart(text, name):
    assert parse_name(text) == name


@pytest.mark.parametrize("separator", [" | ", "; ", " • ", " — "])
def test_a_remark_behind_a_name_is_no_name(separator):
    assert parse_name(f"Ife Abara{separator}Intake desk") == Name(
        "Ife", "", "Abara", "", "Intake desk"
    )


WORDS = (
    "Saga Ann Lindqvist Dr. Dr MD M.D. Jr. Sr. , ( ) (Liz) - – | ; de van der Do Ma DO née y & III "
    "TREMBLAY Marie-Ève O' O'Brien M. M al- Reg. RN(EC) [x] . ' Nurse the Hon. 王小明 "
    "Pastor Mr.Roy"
)
texts = st.text(max_size=60) | st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join)


def words(text):
    return Counter(re.findall(r"\w+", text))


@given(texts)
@example("Varga, , Jr.")
@example("(a, b) c")
@example("(a b c, d")
@example("a - b - c")
def test_no_word_of_a_name_is_lost_or_stated_twice(text):
    name = parse_name(text)
    parts = (name.first, name.middle, name.last, name.prefix, name.suffix)
    assert words(" ".join(parts)) == words(text)
    assert parts == tuple(" ".join(part.split()) for part in parts)
    assert covers(name, text)


@given(texts)
def test_whoever_has_words_has_a_last_name_or_a_remark(text):
    name = parse_name(text)
    assert bool(name.whole) or not words(text)
    assert not name.first or name.last


@pytest.mark.parametrize("piece", ["a ", "a, ", "(", "a - ", "MD ", "de ", "[", "Dr. ", " ", "a|"])
def test_a_long_text_takes_no_time(piece):
    parse_name(piece * 20_000)
    complete(Name("Saga", last="a"), piece * 20_000)


@pytest.mark.parametrize(
    ("structured", "text", "completed"),
    [
        (Name(), "Dr. Ife Abara, MD", Name("Ife", "", "Abara", "Dr.", "MD")),
        (Name("Saga", "", "Lindqvist"), "", Name("Saga", "", "Lindqvist")),
        (Name("Saga", "", "Lindqvist"), "Saga Lindqvist", Name("Saga", "", "Lindqvist")),
        (Name("Saga", "", "Lindqvist"), "Saga Ann Lindqvist", Name("Saga", "Ann", "Lindqvist")),
        (Name("Saga", "", "Lindqvist"), "LINDQVIST, SAGA ANN", Name("Saga", "ANN", "Lindqvist")),
        (
            Name("Saga", "", "Lindqvist"),
            "Ms. Saga Lindqvist RN",
            Name("Saga", "", "Lindqvist", "Ms.", "RN"),
        ),
        (Name("", "", "Varga"), "Otto Varga", Name("Otto", "", "Varga")),
        (Name("", "", "Varga"), "Otto Karl Varga, Jr.", Name("Otto", "Karl", "Varga", "", "Jr.")),
        (Name("", "", "Garcia Lopez"), "Maria Garcia Lopez", Name("Maria", "", "Garcia Lopez")),
        (Name("", "", "Garcia"), "Garcia Maria", Name("Maria", "", "Garcia")),
        (
            Name(
                "Otto",
            ),
            "Otto Varga",
            Name("Otto", "", "Varga"),
        ),
        (
            Name(
                "Otto",
            ),
            "Otto Karl Varga",
            Name("Otto", "Karl", "Varga"),
        ),
        (
            Name(
                "Maria Ana",
            ),
            "Maria Ana de Souza",
            Name("Maria Ana", "", "de Souza"),
        ),
        (
            Name(
                "Maria",
            ),
            "Garcia Maria",
            Name("Maria", "", "Garcia"),
        ),
        (Name("Saga", "Ann", "Lindqvist"), "Saga A. Lindqvist", Name("Saga", "Ann", "Lindqvist")),
        (Name("Saga", "", "Lindqvist"), "Otto Varga", Name("Saga", "", "Lindqvist")),
        (Name("", "", "Lindqvist"), "Otto Varga", Name("", "", "Lindqvist")),
        (Name("", "", "Abara", "Dr."), "Ife Abara", Name("Ife", "", "Abara", "Dr.")),
    ],
)
def test_gaps_are_filled_from_the_text(structured, text, completed):
    assert complete(structured, text) == completed


@given(texts, texts, texts)
def test_structured_parts_win(first, last, text):
    structured = Name(first.strip(), "", last.strip())
    completed = complete(structured, text)
    assert completed.first == structured.first or not structured.first
    assert completed.last == structured.last or not structured.last


@pytest.mark.parametrize(
    ("name", "text", "covered"),
    [
        (Name("Saga", "", "Lindqvist"), "Lindqvist, Saga", True),
        (Name("Saga", "", "Lindqvist"), "Saga Ann Lindqvist", False),
        (Name("Saga", "", "Lindqvist"), "SAGA LINDQVIST", True),
        (Name("Saga", "", "Lindqvist"), "", True),
    ],
)
def test_what_a_name_does_not_state_of_a_text_is_known(name, text, covered):
    assert covers(name, text) is covered
