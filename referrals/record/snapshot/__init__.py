"""Merge partial messages into one view of a referral. Pure: no Django, no clock, no database.

The snapshot is a map from a path to what is known there and since when; `view` turns it into a
`Document`. A value gives way only to one from a later message, so messages that carry their time
lead to the same snapshot in whatever order they come, and an older one fills only what is empty.

Shapes of value (contract, section 3, rules 12, 16 and 17, and section 2):

- a field, or a list that a message holds whole (names, phones of a FHIR message): the latest wins;
- a form: it replaces itself whole;
- a list whose items have a key (answers without a form, messages, notes, attachments, also sent,
  unreadable): item by item;
- the appointment: field by field for each appointment id; the one last spoken of is shown;
- what a sender withdraws: a time of its own; what that sender sent no later is not shown;
- what a sender withdraws by an id that may be the message's own: what that sender had sent under
  that id until then, where it can only mean one thing;
- what staff are warned of, by part of the message: until its sender sends that part in order.

| path | value |
|---|---|
| `reason`, `registrant.first_name` | a field |
| `registrant.addresses/main/city` | a part of an item with a named place |
| `form_answers@SENDER/FORM` | the answers of a form, as a list |
| `PART@SENDER/KEY` | an item of a list |
| `appointment@SENDER/FIELD/ID` | a field of an appointment |
| `withdrawn@SENDER/PART/KEY` | that the sender withdrew it |
| `withdrawn_id@SENDER/PART/TIME/ID` | that the sender withdrew what has this id; the key without |
| `ids@SENDER` | since when a thing of the sender's has an id beside its key |
| `warned@SENDER/[FIELD, CAUSE]` | until when parts of the message had this fault |
| `quoted@SENDER/[FIELD, CAUSE]` | the same of what is quoted in `unreadable` |
| `parts@SENDER` | when the sender last sent each part |

Before version 1 of reading, paths named no sender (`form_answers/KEY`, `appointment/FIELD/ID`);
those are shown, too, until the snapshot is built again.

`keys` has the paths and keys, `entries` and `merging` lead from messages to the snapshot, `items`,
`withdrawals`, and `faults` decide what of it counts, and `viewing` leads to the document.
"""

from referrals.record.snapshot.faults import warned
from referrals.record.snapshot.keys import (
    EARLIER,
    KEYS,
    OF_MESSAGES,
    READING,
    Snapshot,
    key_of,
    stamp,
)
from referrals.record.snapshot.merging import combine, merge
from referrals.record.snapshot.viewing import has_details, view
from referrals.record.snapshot.withdrawals import (
    newly_withdrawn,
    withdrawn,
    withdrawn_files,
    withdrawn_unknown,
)

__all__ = [
    "EARLIER",
    "KEYS",
    "OF_MESSAGES",
    "READING",
    "Snapshot",
    "combine",
    "has_details",
    "key_of",
    "merge",
    "newly_withdrawn",
    "stamp",
    "view",
    "warned",
    "withdrawn",
    "withdrawn_files",
    "withdrawn_unknown",
]
