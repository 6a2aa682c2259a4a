"""Model fields whose values are encrypted at rest.

They are stored as bytes under the first key of ENCRYPTION_KEYS and bound to their column and row
(`core.rowkeys`): a value that was copied to another one is refused there. NULL stays NULL. The
database cannot search them: the only lookup is `isnull`. A value is written by `save()`,
`bulk_create()`, and `core.database.rows.update_one`; an update of many rows can only empty them.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from django import forms
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col, Combinable
from django.db.models.lookups import Lookup, Transform
from django.utils.translation import gettext_lazy as _

from core import encryption, rowkeys
from core.text import sentences

_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)

if TYPE_CHECKING:
    _Field = models.Field
else:

    class _Field(models.Field):
        """Django's field, which only its type stubs can subscript."""

        def __class_getitem__(cls, types):
            return cls


def _encode(text: str) -> bytes:
    # JSON may hold half of a surrogate pair: it is kept as it came, not refused.
    return text.encode("utf-8", "surrogatepass")


def _decode(plaintext: bytes) -> str:
    return plaintext.decode("utf-8", "surrogatepass")


class NoRow(TypeError):
    """An encrypted value was to be written without a row that it could be bound to."""

    def __init__(self, field: _Field[Any, Any]) -> None:
        super().__init__(
            f"{field.model._meta.label}.{field.name} is bound to its row: write it by save(), "
            "bulk_create() or core.database.rows.update_one(). Many rows can only be emptied, "
            "by None."
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A value on its way into a row: the row's key, or the stored row to look the key up for."""

    value: Any = field(repr=False)
    row: UUID | models.Model


class EncryptedField(_Field[_ST, _GT]):
    """The common part: subclasses say how their values become bytes.

    `context` names the column that the values are bound to, by default "app.model.field". Give the
    old name when a model or field is renamed, so that stored values stay readable.

    With `empty_is_null`, the default is stored as NULL, and NULL is read as the default: so many
    rows can be emptied at once, while Python sees no None.
    """

    # Where a value was written says nothing of its column: no database changes with it.
    non_db_attrs = (*models.Field.non_db_attrs, "context")

    def __init__(
        self, *args: Any, context: str | None = None, empty_is_null: bool = False, **kwargs: Any
    ) -> None:
        self._context = context
        self.empty_is_null = empty_is_null
        if empty_is_null:
            kwargs["null"] = True
        super().__init__(*args, **kwargs)

    @property
    def context(self) -> str:
        return self._context or f"{self.model._meta.label_lower}.{self.name}"

    def dump(self, value: Any) -> bytes:
        raise NotImplementedError

    def load(self, plaintext: bytes) -> Any:
        raise NotImplementedError

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        if self._context is not None:
            kwargs["context"] = self._context
        if self.empty_is_null:
            kwargs["empty_is_null"] = kwargs.pop("null")
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        refused = [
            option for option in ("primary_key", "unique", "db_index") if getattr(self, option)
        ]
        return [
            *super().check(**kwargs),
            *check_row_key(self),
            *(
                checks.Error(f"An encrypted field cannot have {option}.", obj=self, id="core.E001")
                for option in refused
            ),
        ]

    def get_internal_type(self) -> str:
        return "BinaryField"

    def get_lookup(self, lookup: str) -> "type[Lookup[Any]] | None":
        return super().get_lookup(lookup) if lookup == "isnull" else None

    def get_transform(self, lookup_name: str) -> type[Transform] | None:
        return None

    # -- Writing ---------------------------------------------------------------------------------

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if rowkeys.field_of(self.model) is None:
            return value
        # An INSERT has made the key by now: it prepares the column of the keys before all others.
        return self.bound(value, getattr(model_instance, rowkeys.NAME) if add else model_instance)

    def bound(self, value: Any, row: UUID | models.Model) -> Any:
        """Return what to write for this value into the row, given by its key or as it is stored."""
        if value is None or hasattr(value, "resolve_expression") or self._is_empty(value):
            return value
        return Bound(value.value if isinstance(value, Bound) else value, row)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        row: UUID | None = None
        if isinstance(value, Bound):
            value, row = value.value, self._key_of(value.row)
        if value is None or self._is_empty(value):
            return None
        if row is None and rowkeys.field_of(self.model) is not None:
            raise NoRow(self)
        if not prepared:
            value = self.get_prep_value(value)
        database: Any = connection
        return database.Database.Binary(encryption.encrypt(self.dump(value), self.context, row))

    def _is_empty(self, value: Any) -> bool:
        return self.empty_is_null and value == self.get_default()

    @staticmethod
    def _key_of(row: UUID | models.Model) -> UUID | None:
        return row if isinstance(row, UUID) else rowkeys.key_of(row)

    # -- Reading ---------------------------------------------------------------------------------

    def get_col(self, alias: str, output_field: Any = None) -> Col:
        column = Col if rowkeys.field_of(self.model) is None else rowkeys.KeyedColumn
        return column(alias, self, output_field)

    @property
    def cached_col(self) -> Col:
        return self.get_col(self.model._meta.db_table)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is None:
            return self.get_default() if self.empty_is_null else None
        row, stored = None, bytes(value)
        if isinstance(expression, rowkeys.KeyedColumn):
            row, stored = rowkeys.split(stored)
        return self.load(encryption.decrypt_stored(stored, self.context, row))


def check_row_key(field: _Field[Any, Any]) -> list[checks.CheckMessage]:
    """Report a model that has no column for the keys that this field's values are bound to."""
    if rowkeys.field_of(field.model) is not None:
        return []
    message = (
        "What is encrypted is bound to its row: derive the model from "
        "core.database.rows.KeyedModel."
    )
    return [checks.Error(message, obj=field, id="core.E002")]


class EncryptedTextField(EncryptedField[_ST, _GT]):
    """Text; `max_length` is checked on validation, as for TextField."""

    _pyi_private_set_type: str | Combinable
    _pyi_private_get_type: str
    description = _("Encrypted text")

    def dump(self, value: Any) -> bytes:
        # Django's schema editor offers b"" as the default of a binary column.
        return value if isinstance(value, bytes) else _encode(str(value))

    def load(self, plaintext: bytes) -> str:
        return _decode(plaintext)

    def to_python(self, value: Any) -> str | None:
        return value if isinstance(value, str) or value is None else str(value)

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(
            **{"max_length": self.max_length, "widget": forms.Textarea, **kwargs}
        )


class EncryptedJSONField(EncryptedField[_ST, _GT]):
    """Any JSON value; None is SQL NULL. Dates, decimals and UUIDs are stored as text."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any
    description = _("Encrypted JSON")
    empty_strings_allowed = False
    default_error_messages: ClassVar = {"invalid": _("The value is not valid JSON.")}

    def dump(self, value: Any) -> bytes:
        text = json.dumps(
            value,
            cls=DjangoJSONEncoder,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
        )
        return _encode(text)

    def load(self, plaintext: bytes) -> Any:
        return json.loads(_decode(plaintext))

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        try:
            self.dump(value)
        except (TypeError, ValueError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None

    def value_to_string(self, obj: models.Model) -> Any:
        return self.value_from_object(obj)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.JSONField, **kwargs})


class EncryptedBinaryField(EncryptedField[_ST, _GT]):
    """Bytes. Not for files, which go to `core.storage`."""

    _pyi_private_set_type: bytes | memoryview | Combinable
    _pyi_private_get_type: bytes
    description = _("Encrypted bytes")
    empty_values = [None, b""]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        if self.editable:
            kwargs["editable"] = True
        return name, path, args, kwargs

    def dump(self, value: Any) -> bytes:
        return bytes(value)

    def load(self, plaintext: bytes) -> bytes:
        return plaintext

    def get_default(self) -> Any:
        default = super().get_default()
        return b"" if default == "" else default

    def to_python(self, value: Any) -> Any:
        return b64decode(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:
        value: Any = self.value_from_object(obj)
        return b64encode(value or b"").decode("ascii")


class SentenceField(models.TextField):  # type: ignore[type-arg]
    """A sentence of `core.text.sentences`, stored as its cause and values; or somebody's own text.

    For migrations it is the text that it is stored as.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return value if value is None else sentences.loaded(value)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return sentences.stored(value) if isinstance(value, str) else value

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value if value is None else sentences.loaded(value)

    def value_to_string(self, obj: models.Model) -> str:
        return sentences.stored(self.value_from_object(obj))


class EncryptedSentenceField(EncryptedTextField[_ST, _GT]):
    """The same, encrypted: values may be personal."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "core.fields.EncryptedTextField", args, kwargs

    def dump(self, value: Any) -> bytes:
        return super().dump(sentences.stored(value) if isinstance(value, str) else value)

    def load(self, plaintext: bytes) -> str:
        return sentences.loaded(super().load(plaintext))

    def to_python(self, value: Any) -> str | None:
        value = super().to_python(value)
        return value if value is None else sentences.loaded(value)

    def value_to_string(self, obj: models.Model) -> Any:
        value: Any = self.value_from_object(obj)
        return value if value is None else sentences.stored(value)


class EncryptedSentencesField(EncryptedJSONField[_ST, _GT]):
    """A list of sentences, or one for each name, encrypted."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "core.fields.EncryptedJSONField", args, kwargs

    def dump(self, value: Any) -> bytes:
        return super().dump(_each(sentences.stored, value))

    def load(self, plaintext: bytes) -> Any:
        return _each(sentences.loaded, super().load(plaintext))

    def to_python(self, value: Any) -> Any:
        return _each(sentences.loaded, super().to_python(value))

    def value_to_string(self, obj: models.Model) -> Any:
        return _each(sentences.stored, self.value_from_object(obj))


def _each(change: Callable[[str], str], value: Any) -> Any:
    """Change each text of a list or of an object; anything else is no sentence, and stays."""
    if isinstance(value, dict):
        return {name: _each(change, one) for name, one in value.items()}
    if isinstance(value, list):
        return [_each(change, one) for one in value]
    return change(value) if isinstance(value, str) else value


class StoredFileField(models.CharField):  # type: ignore[type-arg]
    """The name of a file in the encrypted storage, which is bound to the row that names it.

    Written and read by `save_for` and `open_of` of `core.storage`.
    """

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *check_row_key(self)]
