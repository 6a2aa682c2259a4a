"""The words of the pages, in English and French. Any other language gets the English ones."""

from collections.abc import Mapping

ENGLISH, FRENCH = 0, 1

_PHRASES: Mapping[str, tuple[str, str]] = {
    "search_title": ("Find a service", "Trouver un service"),
    "need": ("What do you need?", "De quoi avez-vous besoin?"),
    "where": ("Where?", "Où?"),
    "where_hint": ("A town or a postal code", "Une ville ou un code postal"),
    "search": ("Search", "Chercher"),
    "to_content": ("Skip to content", "Aller au contenu"),
    "quick_exit": ("Leave this site", "Quitter ce site"),
    "quick_exit_url": ("https://weather.gc.ca/", "https://meteo.gc.ca/"),
    "filters": ("Show only", "Afficher seulement"),
    "chip_open": ("Open now", "Ouvert maintenant"),
    "chip_language": ("In {}", "En {}"),
    "chip_children": ("For children", "Pour les enfants"),
    "chip_youth": ("For youth", "Pour les jeunes"),
    "chip_adults": ("For adults", "Pour les adultes"),
    "chip_seniors": ("For seniors", "Pour les aînés"),
    "one_service": ("1 service", "1 service"),
    "services": ("{} services", "{} services"),
    "nearest_first": ("nearest first", "du plus proche au plus loin"),
    "nothing": ("No service matches.", "Aucun service ne correspond."),
    "did_you_mean": ("Did you mean", "Vouliez-vous dire"),
    "without_filters": ("Search without filters", "Chercher sans filtres"),
    "try_these": ("Try one of these words:", "Essayez l’un de ces mots\u00a0:"),
    "topics": ("Topics", "Thèmes"),
    "unknown_place": (
        "We don’t know this place. These results are not limited to it.",
        "Nous ne connaissons pas ce lieu. Ces résultats n’en tiennent pas compte.",
    ),
    "link_to_search": ("Link to this search", "Lien vers cette recherche"),
    "next_page": ("Next", "Suivants"),
    "previous_page": ("Previous", "Précédents"),
    "page_of": ("Page {} of {}", "Page {} de {}"),
    "pages": ("Pages of results", "Pages de résultats"),
    "call": ("Call", "Appeler"),
    "verified": ("Verified {}", "Vérifié en {}"),
    "last_verified": ("Last verified: {}", "Dernière vérification\u00a0: {}"),
    "not_verified": ("Not verified yet", "Pas encore vérifié"),
    "print": ("Print", "Imprimer"),
    "back_from_print": ("Back to the full page", "Revenir à la page complète"),
    "new_search": ("New search", "Nouvelle recherche"),
    "description": ("Description", "Description"),
    "eligibility": ("Who it is for", "Pour qui"),
    "cost": ("Cost", "Coût"),
    "documents": ("What to bring", "À apporter"),
    "apply": ("How to apply", "Comment s’inscrire"),
    "wait_time": ("Wait time", "Attente"),
    "languages": ("Languages", "Langues"),
    "interpretation": ("Interpretation", "Interprétation"),
    "access": ("Access", "Accès"),
    "area": ("Area served", "Territoire desservi"),
    "topics_of_service": ("Topics", "Thèmes"),
    "hours": ("This week", "Cette semaine"),
    "other_hours": ("Other hours", "Autres heures"),
    "closings": ("Upcoming closings", "Fermetures à venir"),
    "day": ("Day", "Jour"),
    "times": ("Hours", "Heures"),
    "today": ("today", "aujourd’hui"),
    "closed": ("Closed", "Fermé"),
    "usually_before": ("usually ", "d’ordinaire "),
    "closed_on": ("Closed on {}", "Fermé le {}"),
    "closed_from_to": ("Closed from {} to {}", "Fermé du {} au {}"),
    "places": ("Where and when", "Où et quand"),
    "contact": ("Contact", "Coordonnées"),
    "website": ("Website", "Site Web"),
    "email": ("E-mail", "Courriel"),
    "extension": ("ext. {}", "poste {}"),
    "getting_there": ("Getting there", "Pour s’y rendre"),
    "on_a_map": ("On a map", "Sur une carte"),
    "also_here": ("Also at this place", "Aussi à cet endroit"),
    "confidential_place": (
        "The address is confidential. Call to find out more.",
        "L’adresse est confidentielle. Appelez pour en savoir plus.",
    ),
    "no_place": ("By phone or online", "Par téléphone ou en ligne"),
    "temporarily_closed": ("Temporarily closed", "Fermé temporairement"),
    "open_always": ("Open 24 hours", "Ouvert 24 heures sur 24"),
    "open_until": ("Open until {}", "Ouvert jusqu’à {}"),
    "open_until_day": ("Open until {}, {}", "Ouvert jusqu’à {} à {}"),
    "opens_at": ("Opens at {}", "Ouvre à {}"),
    "opens_tomorrow": ("Opens tomorrow, {}", "Ouvre demain à {}"),
    "opens_on": ("Opens {}, {}", "Ouvre {} à {}"),
    "age_from_to": ("{} to {} years old", "De {} à {} ans"),
    "age_from": ("{} years and older", "{} ans et plus"),
    "age_to": ("Up to {} years old", "Jusqu’à {} ans"),
    "correct": ("Is something wrong on this page?", "Une erreur sur cette page?"),
    "correct_title": ("Suggest a correction", "Proposer une correction"),
    "correct_intro": (
        "Change what is wrong and send it. Staff review each field before it is published. "
        "Do not write about a person.",
        "Modifiez ce qui est inexact, puis envoyez. Le personnel vérifie chaque champ avant de le "
        "publier. N’écrivez rien au sujet d’une personne.",
    ),
    "correct_name": ("Name", "Nom"),
    "correct_note": (
        "Anything else, such as hours, phone, or address",
        "Autre chose, comme les heures, le téléphone ou l’adresse",
    ),
    "correct_send": ("Send", "Envoyer"),
    "correct_thanks": (
        "Thank you. Staff will review your correction.",
        "Merci. Le personnel vérifiera votre correction.",
    ),
    "correct_too_many": (
        "This service has many corrections that wait for review. Try again another day.",
        "De nombreuses corrections attendent déjà pour ce service. Réessayez un autre jour.",
    ),
    "mail_subject": (
        "{}: is your information right?",
        "{}\u00a0: vos renseignements sont-ils exacts?",
    ),
    "mail_reminder": (
        "Reminder from {}: is your information right?",
        "Rappel de {}\u00a0: vos renseignements sont-ils exacts?",
    ),
    "mail_intro": (
        "We publish these services of yours. Please check what we say about them:",
        "Nous publions les services suivants. Veuillez vérifier ce que nous en disons\u00a0:",
    ),
    "mail_link": (
        "Open this link to confirm it, or to send corrections:",
        "Ouvrez ce lien pour confirmer ou pour envoyer des corrections\u00a0:",
    ),
    "mail_valid": (
        "The link works once, for 30 days. No account is needed.",
        "Le lien fonctionne une seule fois, pendant 30 jours. Aucun compte n’est requis.",
    ),
    "verify_title": ("Is this right?", "Est-ce exact?"),
    "verify_intro": (
        "This is what we publish. If everything is right, confirm it. Otherwise change what is "
        "wrong and send the corrections.",
        "Voici ce que nous publions. Si tout est exact, confirmez. Sinon, modifiez ce qui est "
        "inexact et envoyez les corrections.",
    ),
    "verify_confirm": ("Everything is right", "Tout est exact"),
    "verify_send": ("Send corrections", "Envoyer les corrections"),
    "verify_thanks": ("Thank you. Your answer is saved.", "Merci. Votre réponse est enregistrée."),
    "gone_title": ("This link is no longer valid", "Ce lien n’est plus valide"),
    "gone": (
        "It has expired, or it was used. If you did not answer, we will send another one.",
        "Il est expiré ou a déjà servi. Si vous n’avez pas répondu, nous en enverrons un autre.",
    ),
    "missing_title": ("This page is not here", "Cette page n’existe pas"),
    "missing": (
        "The service may have been withdrawn. Search for another one:",
        "Le service a peut-être été retiré. Cherchez-en un autre\u00a0:",
    ),
    "busy_title": ("Too many visitors at once", "Trop de visites à la fois"),
    "busy": ("Try again in a few seconds.", "Réessayez dans quelques secondes."),
    "closed_title": ("This directory is not public", "Ce répertoire n’est pas public"),
    "emergency": (
        "In danger? Call 9-1-1. Thoughts of suicide? Call or text 9-8-8. Other help: 2-1-1.",
        "En danger? Composez le 9-1-1. Idées suicidaires? Appelez ou textez le 9-8-8. "
        "Autre aide\u00a0: 2-1-1.",
    ),
    "footer": ("Directory pages", "Pages du répertoire"),
}
_AUTONYMS = {"en": "English", "fr": "Français"}
_ZONES: Mapping[str, tuple[str, str]] = {
    "N": ("Newfoundland time", "heure de Terre-Neuve"),
    "A": ("Atlantic time", "heure de l’Atlantique"),
    "E": ("Eastern time", "heure de l’Est"),
    "C": ("Central time", "heure du Centre"),
    "M": ("Mountain time", "heure des Rocheuses"),
    "P": ("Pacific time", "heure du Pacifique"),
}


# Languages that services in Canada are offered in, by their ISO 639 codes.
_LANGUAGES: Mapping[str, tuple[str, str]] = {
    "am": ("Amharic", "amharique"),
    "ar": ("Arabic", "arabe"),
    "ase": ("American Sign Language", "langue des signes américaine"),
    "bn": ("Bengali", "bengali"),
    "cr": ("Cree", "cri"),
    "de": ("German", "allemand"),
    "en": ("English", "anglais"),
    "es": ("Spanish", "espagnol"),
    "fa": ("Persian", "persan"),
    "fr": ("French", "français"),
    "gu": ("Gujarati", "gujarati"),
    "hi": ("Hindi", "hindi"),
    "it": ("Italian", "italien"),
    "iu": ("Inuktitut", "inuktitut"),
    "ko": ("Korean", "coréen"),
    "oj": ("Ojibwe", "ojibwé"),
    "pa": ("Punjabi", "pendjabi"),
    "pl": ("Polish", "polonais"),
    "ps": ("Pashto", "pachto"),
    "pt": ("Portuguese", "portugais"),
    "ru": ("Russian", "russe"),
    "so": ("Somali", "somali"),
    "ta": ("Tamil", "tamoul"),
    "ti": ("Tigrinya", "tigrigna"),
    "tl": ("Tagalog", "tagalog"),
    "uk": ("Ukrainian", "ukrainien"),
    "ur": ("Urdu", "ourdou"),
    "vi": ("Vietnamese", "vietnamien"),
    "yue": ("Cantonese", "cantonais"),
    "zh": ("Chinese", "chinois"),
}


def is_french(language: str) -> bool:
    return language.split("-")[0] == "fr"


def phrases(language: str) -> dict[str, str]:
    """Return the phrases of a language by their names."""
    place = FRENCH if is_french(language) else ENGLISH
    return {name: texts[place] for name, texts in _PHRASES.items()}


def autonym(language: str) -> str:
    """Return what a language calls itself."""
    return _AUTONYMS.get(language.split("-")[0], language)


def language_in_words(code: str, language: str) -> str:
    """Return what a language is called in another one; empty where its name is not known here."""
    names = _LANGUAGES.get(code)
    return names[is_french(language)] if names else ""


def zone_in_words(abbreviation: str, language: str) -> str:
    """Return `Eastern time` for EST and EDT; another abbreviation as it is."""
    known = len(abbreviation) == 3 and abbreviation[1:] in ("ST", "DT")
    texts = _ZONES.get(abbreviation[0]) if known else None
    return texts[is_french(language)] if texts else abbreviation


def distance_in_words(metres: float, language: str) -> str:
    """Return `400 m`, `1.2 km` or `35 km`; in French with a decimal comma."""
    if metres < 975:  # rounded, no more than 950 m
        return f"{max(50, round(metres / 50) * 50)}\u00a0m"
    kilometres = metres / 1000
    text = f"{kilometres:.1f}" if kilometres < 9.95 else f"{kilometres:.0f}"
    return f"{text.replace('.', ',') if is_french(language) else text}\u00a0km"


def number_in_words(value: float) -> str:
    return f"{value:g}"
