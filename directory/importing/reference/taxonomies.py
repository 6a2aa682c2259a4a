"""Bringing in a taxonomy: `code,name,parent_code,description,language,synonyms`, or HSDS terms."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.utils import timezone

from directory import changes
from directory.files import tables
from directory.files.archives import Archive
from directory.files.problems import Unreadable
from directory.importing.reports import Problem, Severity
from directory.models import Directory, Entry, Kind, Taxonomy, TaxonomyTerm

_HEADINGS = ("code", "name")


@dataclass(slots=True)
class Terms:
    """What became of a file of terms."""

    counts: Counter[str] = field(default_factory=Counter)  # created, updated, unchanged
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Term:
    """A term as a file has it: one row for each language."""

    code: str
    hsds_id: uuid.UUID | None = None
    parent: str = ""
    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    synonyms: dict[str, list[str]] = field(default_factory=dict)
    uri: str = ""


def bring_in(path: Path, name: str, version: str = "") -> Terms:
    """Create or update the terms of a taxonomy, by their codes; raises Unreadable.

    A term that the file does not have stays: entries may still use it.
    """
    found = Terms()
    directory = Directory.objects.first()
    language = directory.languages[0] if directory else "en"
    archive = Archive(path)
    try:
        (file, *more) = list(archive)
        if more:
            raise Unreadable("One file is expected.")
        with archive.open(file) as content:
            terms = _read(tables.read(content), file, language, found)
    finally:
        archive.close()
    with changes.writing():
        _write(_taxonomy(name, version), terms, found)
    return found


# -- Reading ------------------------------------------------------------------------------------


def _read(table: tables.Table, file: str, language: str, found: Terms) -> list[_Term]:
    for heading in _HEADINGS:
        if heading not in table.headings:
            raise Unreadable(f"The file has no column “{heading}”.")
    is_hsds = "parent_id" in table.headings
    terms: dict[str, _Term] = {}
    codes_by_id: dict[str, str] = {}
    for row in table.rows:
        cells = {heading: cell.strip() for heading, cell in row.cells.items()}
        if "code" not in cells or "name" not in cells:
            message = "A term needs a code and a name."
            found.problems.append(Problem(message, Severity.ERROR, file, row.line))
            continue
        term = terms.setdefault(cells["code"], _Term(cells["code"]))
        if is_hsds:
            codes_by_id[cells.get("id", "")] = term.code
        _add(term, cells, language)
    if is_hsds:
        for term in terms.values():
            term.parent = codes_by_id.get(term.parent, "")
    _check_parents(terms, file, found)
    return list(terms.values())


def _add(term: _Term, cells: Mapping[str, str], default: str) -> None:
    language = cells.get("language", default)
    language = {"eng": "en", "fra": "fr", "fre": "fr"}.get(language, language)
    term.names[language] = cells["name"]
    if "description" in cells:
        term.descriptions[language] = cells["description"]
    synonyms = [one.strip() for one in cells.get("synonyms", "").split(";") if one.strip()]
    if synonyms:
        term.synonyms[language] = synonyms
    term.parent = cells.get("parent_code") or cells.get("parent_id") or term.parent
    term.uri = cells.get("term_uri", term.uri)
    try:
        term.hsds_id = uuid.UUID(cells["id"]) if "id" in cells else term.hsds_id
    except ValueError:
        term.hsds_id = None


def _check_parents(terms: Mapping[str, _Term], file: str, found: Terms) -> None:
    for term in terms.values():
        seen = {term.code}
        at = term
        while at.parent and at.parent in terms and at.parent not in seen:
            seen.add(at.parent)
            at = terms[at.parent]
        if at.parent in seen and at.parent:
            message = "The parents form a loop, so this one was left out."
            found.problems.append(Problem(message, Severity.WARNING, file, None, at.code))
            at.parent = ""


# -- Writing ------------------------------------------------------------------------------------


def _taxonomy(name: str, version: str) -> Taxonomy:
    known = [one for one in Taxonomy.objects.all() if name in {one.short_name, *one.name.values()}]
    if known:
        taxonomy = known[0]
    else:
        entry = Entry.objects.create(kind=Kind.TAXONOMY)
        languages = Directory.objects.values_list("languages", flat=True).first() or ["en"]
        texts = {languages[0]: name}
        taxonomy = Taxonomy(entry=entry, name=texts, description=texts)
    taxonomy.short_name = name
    taxonomy.version = version or taxonomy.version
    taxonomy.loaded_at = timezone.now()
    taxonomy.save()
    return taxonomy


def _write(taxonomy: Taxonomy, terms: Iterable[_Term], found: Terms) -> None:
    here = {term.code: term for term in taxonomy.terms.select_related("entry")}
    touched = {taxonomy.pk}
    for term in terms:
        row = here.get(term.code)
        if row is None:
            row = here[term.code] = _new_term(taxonomy, term)
            found.counts["created"] += 1
            touched.add(row.pk)
        elif _fill(row, term):
            row.save()
            found.counts["updated"] += 1
            touched.add(row.pk)
        else:
            found.counts["unchanged"] += 1
    for term in terms:
        row, parent = here[term.code], here.get(term.parent)
        if term.parent and parent is None:
            message = "The parent's code names nothing, so it was left out."
            found.problems.append(Problem(message, record=term.code, field="parent_code"))
        if row.parent_id != (parent.pk if parent else None):
            row.parent = parent
            row.save(update_fields=["parent"])
            touched.add(row.pk)
    changes.changed(touched)


def _new_term(taxonomy: Taxonomy, term: _Term) -> TaxonomyTerm:
    is_free = term.hsds_id and not Entry.objects.filter(
        kind=Kind.TAXONOMY_TERM, hsds_id=term.hsds_id
    )
    entry = Entry(kind=Kind.TAXONOMY_TERM, supplier_key=term.code)
    if is_free and term.hsds_id:
        entry.hsds_id = term.hsds_id
    else:  # the same id wherever the taxonomy is brought in
        name = f"urn:dovetail:taxonomy:{taxonomy.short_name}:{term.code}"
        entry.hsds_id = uuid.uuid5(uuid.NAMESPACE_URL, name)
    entry.save()
    row = TaxonomyTerm(entry=entry, code=term.code, taxonomy=taxonomy)
    _fill(row, term)
    row.save(force_insert=True)
    return row


def _fill(row: TaxonomyTerm, term: _Term) -> bool:
    """Give a row what the file has; return whether that changed anything."""
    before = (row.name, row.description, row.synonyms, row.term_uri)
    row.name = {**row.name, **term.names}
    row.description = {**row.description, **term.descriptions}
    row.synonyms = {**row.synonyms, **term.synonyms}
    row.term_uri = term.uri or row.term_uri
    return before != (row.name, row.description, row.synonyms, row.term_uri)
