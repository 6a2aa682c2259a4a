"""Every value is in the file, or counted as left out: found out by a marker in each column."""

from collections import Counter

import pytest

from directory.models import Directory
from directory.tables import TABLES, Sort
from tests.directory.exporting.test_files import exported, filled, tables, whole_text
from tests.directory.importing.supplied import bring

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

# Say only which rows belong together.
STRUCTURE = {"id", "organization_id", "service_id", "location_id", "service_at_location_id"}
STRUCTURE |= {"contact_id", "phone_id", "link_id", "link_entity"}
# Written in another form: `LEFT` and the formats' own tests have them.
OTHERWISE = {"schedule.freq", "schedule.byday", "schedule.opens_at", "schedule.closes_at"}
OTHERWISE |= {"service.last_modified", "service.status", "location.location_type"}
OTHERWISE |= {"address.address_type", "service.program_id", "attribute.taxonomy_term_id"}
OTHERWISE |= {"taxonomy_term.parent_id", "taxonomy_term.taxonomy_id", "service_capacity.unit_id"}
OTHERWISE |= {"organization.parent_organization_id", "schedule.notes"}
_FREE = (Sort.TEXT, Sort.WORD)


def marked():
    """Rows of every table, with a text of its own in each column that can hold one."""
    rows = filled()
    rows["schedule"][0]["notes"] = ""
    for name, some in rows.items():
        for column in TABLES[name].columns.values():
            if column.sort not in _FREE or column.choices or column.format or column.name == "id":
                continue
            if name == "schedule" and column.name in ("freq", "byday", "wkst"):
                continue
            if name == "schedule" and column.name.startswith("by"):
                continue
            for number, row in enumerate(some):
                if column.name not in ("number", "code", "postal_code", "extension"):
                    row[column.name] = f"mark-{name}-{column.name}-{number}"
    return rows


@pytest.mark.parametrize("format", ["hsds-1.1", "airs-3.0", "icarol-csv"])
def test_each_value_of_hsds_3_1_is_in_the_file_or_counted(tmp_path, format):
    Directory.objects.update(airs_taxonomy="mark-taxonomy-name-0")
    bring(tmp_path, marked())
    whole = tables(exported(tmp_path).path)
    written = exported(tmp_path, format)
    text = whole_text(written.path)
    values = Counter()
    for table in TABLES.values():
        for row in whole[table.file]:
            for column, value in row.items():
                name = f"{table.name}.{column}"
                if value and column not in STRUCTURE and name not in OTHERWISE:
                    values[name, value] += 1
    missing = Counter()
    for (name, value), number in values.items():
        if value not in text:
            missing[name] += number
    left = {name: written.not_carried[name] for name in missing}
    assert left == dict(missing)
    # And nothing is counted that no value stands for.
    named = {name for name, _ in values} | OTHERWISE | {"service.taxonomy"}
    assert set(written.not_carried) <= named


def test_the_markers_are_many():
    """Else the test above would prove little."""
    found = {value for some in marked().values() for row in some for value in row.values()}
    assert len([value for value in found if str(value).startswith("mark-")]) > 80
