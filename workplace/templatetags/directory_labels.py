"""Filters that name formats, languages, tables, and fields of the directory for people."""

from django import template

from workplace.directory import labels

register = template.Library()
register.filter("format_label", labels.format_label)
register.filter("language_label", labels.language_label)
register.filter("table_label", labels.table_label)


@register.filter
def field_of(path: str, kind: str) -> str:
    """Return what a field of an entry of this kind is called: `{{ path|field_of:kind }}`."""
    return labels.field_label(kind, path)
