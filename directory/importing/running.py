"""One import from beginning to end: `run` reads a file of a supplier and brings it in."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from directory.files.archives import Archive
from directory.files.problems import Unreadable
from directory.hours.times import winter_offset
from directory.importing import applying, checking, formats, withdrawing
from directory.importing.comparing.differences import Import
from directory.importing.reports import Problem, Report, Severity
from directory.importing.rows import Batch
from directory.models import Directory, Kind, Supplier, SupplierImport

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is brought in."""

    format: str = "auto"
    language: str = ""  # else that of the supplier, else the first of the directory
    dry_run: bool = False
    partial: bool = False  # what the file does not list stays
    allow_withdrawals: bool = False
    by: str = ""  # who asked for it


class NotImported(Exception):
    """Nothing was changed. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def run(path: Path, source: str, options: Options) -> Report:
    """Bring in a file or folder of a supplier, and return the report.

    A new name makes a supplier. Raises NotImported where there is no directory, or no such
    language or format; whatever is wrong with the file stands in the report.
    """
    supplier, first, language = _whose(source, options)
    report, batch = Report(), _batch(source, language, options)
    try:
        _read(path, options, report, batch)
    except Unreadable as unreadable:
        report.add(Problem(unreadable.message, Severity.ERROR, path.name))
        report.changed_nothing = True
        return _remembered(report, supplier, options, language, path)
    checking.check(batch, supplier)
    _count(report, batch)
    whose = supplier or Supplier(name=source, language=first)
    winter = winter_offset(Directory.objects.get().zone, timezone.now().year)
    work = Import(batch, whose, first, report, winter=winter)
    _bring_in(work, options, path)
    if not report.changed_nothing:
        for other in sorted(batch.other_languages):
            _read_other(work, other, options, path)
        _finish(work)
    return report


def _batch(source: str, language: str, options: Options) -> Batch:
    languages = Directory.objects.get().languages
    # A language that is asked for is that of all rows, whatever they say.
    return Batch(source, language, languages=() if options.language else tuple(languages))


def _read(path: Path, options: Options, report: Report, batch: Batch) -> None:
    archive = Archive(path)
    try:
        found = _format(archive, options)
        report.format = found.name
        batch.needs = found.needs
        found.read(archive, batch)
    finally:
        archive.close()


def _read_other(work: Import, language: str, options: Options, path: Path) -> None:
    """Bring in the rows of another language, after those that they refer to."""
    report = Report(work.report.format, work.report.number)
    batch = _batch(work.batch.source, language, options)
    _read(path, options, report, batch)
    checking.check(batch, work.supplier if work.supplier.pk else None)
    _count(report, batch)
    other = Import(
        batch, work.supplier, work.first_language, report, winter=work.winter, row=work.row
    )
    applying.apply(other)
    work.report.merge(report)


def _whose(source: str, options: Options) -> tuple[Supplier | None, str, str]:
    """Return the supplier, its first language, and the language of the file."""
    directory = Directory.objects.first()
    if directory is None:
        raise NotImported("There is no directory: set the key `directory` of the configuration.")
    supplier = Supplier.objects.filter(name=source).first()
    own = supplier.language if supplier else ""
    language = options.language or own or directory.languages[0]
    if language not in directory.languages:
        raise NotImported(f"“{language}” is not a language of this directory.")
    if options.format != "auto" and options.format not in formats.FORMATS:
        raise NotImported(f"“{options.format}” is not a format that can be imported.")
    return supplier, own or language, language


def _format(archive: Archive, options: Options) -> formats.Format:
    if options.format == "auto":
        return formats.detect(archive)
    return formats.FORMATS[options.format]


def _count(report: Report, batch: Batch) -> None:
    report.extend(batch.problems)
    report.also_sent.update(batch.also_sent)
    for kind in Kind.values:
        entries = batch.entries.get(kind, {}).values()
        shared = kind in (Kind.TAXONOMY, Kind.TAXONOMY_TERM)
        foreign = sum(entry.is_foreign and not entry.rejected for entry in entries)
        without_id = batch.read[kind] - len(entries)
        rejected = sum(bool(entry.rejected) for entry in entries) + without_id
        report.count(kind, "read", batch.read[kind])
        report.count(kind, "rejected", rejected + (0 if shared else foreign))
        report.count(kind, "unchanged", foreign if shared else 0)


def _bring_in(work: Import, options: Options, path: Path) -> Report:
    # Only a whole file in the first language withdraws anything: a translation may lack entries.
    whole = not options.partial and work.batch.language == work.first_language
    supplier = work.supplier if work.supplier.pk else None
    gone = withdrawing.no_longer_listed(work) if whole and supplier else {}
    if not options.allow_withdrawals:
        for message in withdrawing.too_many(work, gone):
            work.report.add(Problem(message, Severity.ERROR, path.name))
            work.report.changed_nothing = True
    if work.report.changed_nothing:
        return _remembered(work.report, supplier, options, work.batch.language, path)
    # Before anything is written: an import that is killed in the middle is on record, and can be
    # undone.
    if not options.dry_run:
        if not work.supplier.language:
            work.supplier.language = work.first_language
        work.supplier.save()
        work.row = _row(work.supplier, options, work.batch.language, path, work.report)
        work.report.number = work.row.pk
    applying.apply(work)
    # Last: where bringing in fails, nothing is withdrawn.
    withdrawing.withdraw(work, gone)
    return work.report


def _finish(work: Import) -> None:
    """Keep the report of an import that was brought in."""
    if work.row is not None:
        work.row.state = SupplierImport.State.APPLIED
        work.row.ended_at = timezone.now()
        work.row.report = work.report.as_dict()
        work.row.save(update_fields=["state", "ended_at", "report"])


def _remembered(
    report: Report, supplier: Supplier | None, options: Options, language: str, path: Path
) -> Report:
    """Keep the report of an import that changed nothing."""
    if supplier is not None and not options.dry_run:
        row = _row(supplier, options, language, path, report)
        report.number = row.pk
        row.state, row.ended_at = SupplierImport.State.REFUSED, timezone.now()
        row.report = report.as_dict()
        row.save(update_fields=["state", "ended_at", "report"])
    return report


def _row(
    supplier: Supplier, options: Options, language: str, path: Path, report: Report
) -> SupplierImport:
    return SupplierImport.objects.create(
        supplier=supplier,
        format=report.format,
        language=language,
        partial=options.partial,
        sha256=_digest(path),
        started_at=timezone.now(),
        by=options.by,
    )


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, none."""
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
