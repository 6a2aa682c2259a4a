"""Names of languages that people in Canada speak, by code.

English names after ISO 639 and the languages of Statistics Canada's 2021 census: the official
languages, the Indigenous languages of Canada, sign languages, and the immigrant languages most
often spoken. A code is the one a BCP 47 tag begins with; three-letter codes that mean the same
stand in `_SYNONYMS`.
"""

_OFFICIAL = {"en": "English", "fr": "French"}

_INDIGENOUS = {
    "alq": "Algonquin",
    "atj": "Atikamekw",
    "bea": "Dane-zaa (Beaver)",
    "bcr": "Babine-Witsuwit’en",
    "bla": "Blackfoot",
    "blc": "Nuxalk",
    "cay": "Cayuga",
    "chn": "Chinook Jargon",
    "chp": "Dene (Chipewyan)",
    "ciw": "Ojibwe (Southwestern)",
    "clc": "Tsilhqot’in",
    "coo": "K’omoks (Comox)",
    "cr": "Cree",
    "crg": "Michif",
    "crj": "Cree (Southern East)",
    "crk": "Cree (Plains)",
    "crl": "Cree (Northern East)",
    "crm": "Cree (Moose)",
    "crx": "Dakelh (Carrier)",
    "csw": "Cree (Swampy)",
    "cwd": "Cree (Woods)",
    "dak": "Dakota",
    "den": "Dene (Slavey)",
    "dgr": "Tłı̨chǫ (Dogrib)",
    "git": "Gitxsan",
    "gwi": "Gwich’in",
    "haa": "Hän",
    "hai": "Haida",
    "has": "Haisla",
    "hei": "Heiltsuk",
    "hur": "Halkomelem",
    "ikt": "Inuinnaqtun",
    "ike": "Inuktitut (Eastern Canadian)",
    "iu": "Inuktitut",
    "kkz": "Kaska",
    "kut": "Ktunaxa (Kutenai)",
    "kwk": "Kwak’wala",
    "lil": "St’át’imcets (Lillooet)",
    "lkt": "Lakota",
    "mic": "Mi’kmaq",
    "moe": "Innu (Montagnais)",
    "moh": "Mohawk (Kanien’kéha)",
    "ncg": "Nisga’a",
    "nsk": "Naskapi",
    "nuk": "Nuu-chah-nulth",
    "oj": "Ojibwe (Anishinaabemowin)",
    "ojb": "Ojibwe (Northwestern)",
    "ojc": "Ojibwe (Central)",
    "ojg": "Ojibwe (Eastern)",
    "ojs": "Oji-Cree (Anishininiimowin)",
    "ojw": "Ojibwe (Western, Saulteaux)",
    "oka": "Syilx (Okanagan)",
    "one": "Oneida",
    "ono": "Onondaga",
    "otw": "Odawa (Ottawa)",
    "pot": "Potawatomi",
    "pqm": "Wolastoqey (Malecite-Passamaquoddy)",
    "scs": "Slavey (North)",
    "see": "Seneca",
    "sek": "Tse’khene (Sekani)",
    "sec": "Sechelt",
    "shs": "Secwepemctsín (Shuswap)",
    "squ": "Squamish",
    "srs": "Tsuut’ina (Sarsi)",
    "sto": "Nakoda (Stoney)",
    "str": "Straits Salish",
    "tce": "Tutchone (Southern)",
    "tgx": "Tagish",
    "tht": "Tahltan",
    "thp": "Nłeʔkepmxcín (Thompson)",
    "tli": "Tlingit",
    "tsi": "Sm’algyax (Tsimshian)",
    "ttm": "Tutchone (Northern)",
    "tus": "Tuscarora",
    "xsl": "Slavey (South)",
}

_SIGN = {
    "ase": "American Sign Language",
    "fcs": "Quebec Sign Language",
    "iks": "Inuit Sign Language",
    "sgn": "Sign language",
}

_OTHER = {
    "aa": "Afar", "af": "Afrikaans", "ak": "Akan (Twi)", "am": "Amharic",
    "apd": "Arabic (Sudanese)", "ar": "Arabic", "arc": "Aramaic", "as": "Assamese",
    "az": "Azerbaijani", "bal": "Balochi", "be": "Belarusian", "bem": "Bemba",
    "ber": "Amazigh (Berber)", "bg": "Bulgarian", "bm": "Bambara", "bn": "Bengali",
    "bo": "Tibetan", "bs": "Bosnian", "ca": "Catalan", "ceb": "Cebuano",
    "ckb": "Kurdish (Sorani)", "cld": "Chaldean Neo-Aramaic", "cmn": "Mandarin", "cs": "Czech",
    "cy": "Welsh", "da": "Danish", "de": "German", "din": "Dinka", "dz": "Dzongkha", "ee": "Ewe",
    "el": "Greek", "es": "Spanish", "et": "Estonian", "fa": "Persian (Farsi)", "ff": "Fulah",
    "fi": "Finnish", "fil": "Filipino", "fj": "Fijian", "fy": "Frisian", "ga": "Irish",
    "gd": "Scottish Gaelic", "gl": "Galician", "gu": "Gujarati", "ha": "Hausa", "hak": "Hakka",
    "haz": "Hazaragi", "he": "Hebrew", "hi": "Hindi", "hil": "Hiligaynon", "hr": "Croatian",
    "ht": "Haitian Creole", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "ig": "Igbo",
    "ilo": "Ilocano", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "jv": "Javanese",
    "ka": "Georgian", "kar": "Karen", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada",
    "ko": "Korean", "kok": "Konkani", "ks": "Kashmiri", "ku": "Kurdish", "ky": "Kyrgyz",
    "la": "Latin", "lg": "Luganda", "ln": "Lingala", "lo": "Lao", "lt": "Lithuanian",
    "lv": "Latvian", "mg": "Malagasy", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian",
    "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese", "nan": "Min Nan",
    "nb": "Norwegian (Bokmål)", "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian (Nynorsk)",
    "no": "Norwegian", "ny": "Chichewa", "om": "Oromo", "or": "Odia", "pa": "Punjabi",
    "pag": "Pangasinan", "pam": "Kapampangan", "pdt": "Plautdietsch", "pl": "Polish",
    "prs": "Dari", "ps": "Pashto", "pt": "Portuguese", "rhg": "Rohingya", "rn": "Kirundi",
    "ro": "Romanian", "rom": "Romani", "ru": "Russian", "rw": "Kinyarwanda", "sd": "Sindhi",
    "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sn": "Shona", "so": "Somali",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "syr": "Syriac",
    "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "ti": "Tigrinya", "tig": "Tigre",
    "tk": "Turkmen", "tl": "Tagalog", "tn": "Tswana", "tr": "Turkish", "ug": "Uyghur",
    "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "war": "Waray",
    "wo": "Wolof", "wuu": "Wu (Shanghainese)", "xh": "Xhosa", "yi": "Yiddish", "yo": "Yoruba",
    "yue": "Cantonese", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip

_SYNONYMS = {
    "eng": "en", "fra": "fr", "fre": "fr", "iku": "iu", "cre": "cr", "oji": "oj",
    "ara": "ar", "ben": "bn", "ces": "cs", "cze": "cs", "chi": "zh", "zho": "zh", "dan": "da",
    "deu": "de", "ger": "de", "dut": "nl", "nld": "nl", "ell": "el", "gre": "el", "fas": "fa",
    "per": "fa", "fin": "fi", "guj": "gu", "hat": "ht", "heb": "he", "hin": "hi", "hrv": "hr",
    "hun": "hu", "hye": "hy", "arm": "hy", "ita": "it", "jpn": "ja", "khm": "km", "kor": "ko",
    "kur": "ku", "lao": "lo", "mal": "ml", "mar": "mr", "nep": "ne", "pan": "pa", "pol": "pl",
    "por": "pt", "pus": "ps", "ron": "ro", "rum": "ro", "rus": "ru", "sin": "si", "slk": "sk",
    "slo": "sk", "som": "so", "spa": "es", "sqi": "sq", "alb": "sq", "srp": "sr", "swa": "sw",
    "swe": "sv", "tam": "ta", "tel": "te", "tgl": "tl", "tha": "th", "tir": "ti", "tur": "tr",
    "ukr": "uk", "urd": "ur", "vie": "vi", "amh": "am", "iw": "he",
}  # fmt: skip

NAMES = _OFFICIAL | _INDIGENOUS | _SIGN | _OTHER


def language_name(code: str) -> str | None:
    """Return the English name for the language of a BCP 47 tag, or None when it is not known.

    Only the language of the tag is named: of `fr-CA` that is French.
    """
    primary = code.strip().replace("_", "-").split("-")[0].casefold()
    return NAMES.get(_SYNONYMS.get(primary, primary))


def is_bare(code: str) -> bool:
    """Return whether a tag holds no more than its language: no script, region or variant."""
    return code.strip().isalpha()
