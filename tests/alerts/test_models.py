"""The tables of alerts stay the workplace's: nothing that was stored is named otherwise."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from alerts.models import AlertRecipient

MODELS = ("alert", "alertdelivery", "alertrecipient", "alertsettings", "trouble")


@pytest.mark.django_db
@pytest.mark.parametrize("name", MODELS)
def test_tables_permissions_and_content_types_are_those_of_the_workplace(name: str):
    kind = ContentType.objects.get(model=name)
    assert kind.app_label == "workplace"
    model = kind.model_class()
    assert model is not None
    assert model.__module__ == "alerts.models"
    assert model._meta.db_table == f"workplace_{name}"
    granted = Permission.objects.filter(content_type=kind)
    assert granted.filter(codename=f"view_{name}").exists()


@pytest.mark.parametrize("column", ["address", "secret"])
def test_encrypted_values_are_bound_to_the_column_that_they_were_written_to(column: str):
    field: Any = AlertRecipient._meta.get_field(column)
    assert field.context == f"workplace.alertrecipient.{column}"
