"""The shapes of the API's answers, for the OpenAPI document."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from referrals.answers.explain import Cause, Light
from referrals.models import MISCONFIGURED, WRONGLY_SET_UP, Delivery, InboundEvent
from referrals.record import warned


class StoredSerializer(serializers.Serializer[None]):
    """The event is stored; nothing more is promised."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["accepted"])
    duplicate = serializers.BooleanField(help_text="The same event was stored before.")


class FieldErrorSerializer(serializers.Serializer[None]):
    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[None]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


# What three reasons have always been called here; `reason_code` tells them apart.
REASONS = [
    *((key, label) for key, label in Delivery.Reason.choices if key not in WRONGLY_SET_UP),
    (MISCONFIGURED, "The connection or the mapping is wrong"),
]


class EventImportSerializer(serializers.ModelSerializer[Delivery]):
    destination = serializers.CharField(source="destination.name")
    reason = serializers.ChoiceField(
        choices=REASONS, allow_blank=True, source="reason_for_others", read_only=True
    )
    reason_code = serializers.ChoiceField(
        choices=Delivery.Reason.choices, allow_blank=True, source="reason", read_only=True
    )

    class Meta:
        model = Delivery
        fields = ["destination", "state", "reason", "reason_code", "external_id"]


class WarningSerializer(serializers.Serializer[None]):
    """A value that could not be used as it came; the value itself is not given."""

    field = serializers.CharField(allow_blank=True)
    cause = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class EventSerializer(serializers.ModelSerializer[InboundEvent]):
    """What became of an event."""

    event_type = serializers.CharField(source="code")
    status = serializers.CharField(source="state")
    outcome = serializers.CharField()
    reference = serializers.CharField(source="referral.reference", allow_null=True, default=None)
    warnings = serializers.SerializerMethodField()
    triggers = serializers.ListField(child=serializers.CharField())
    imports = serializers.SerializerMethodField()

    class Meta:
        model = InboundEvent
        fields = [
            "id",
            "event_type",
            "received_at",
            "occurred_at",
            "status",
            "outcome",
            "reason",
            "reference",
            "triggers",
            "warnings",
            "imports",
        ]

    @extend_schema_field(WarningSerializer(many=True))
    def get_warnings(self, event: InboundEvent) -> list[dict[str, str]]:
        return [warning.as_dict() for warning in warned.of_event(event)]

    @extend_schema_field(EventImportSerializer(many=True))
    def get_imports(self, event: InboundEvent) -> list[dict[str, object]]:
        deliveries = (
            event.referral.deliveries.select_related("destination")
            if event.referral
            else Delivery.objects.none()
        )
        return list(EventImportSerializer(deliveries, many=True).data)


class CheckSerializer(serializers.Serializer[None]):
    question = serializers.CharField()
    light = serializers.ChoiceField(choices=[str(light) for light in Light])
    sentence = serializers.CharField(allow_blank=True)


class MissingFileSerializer(serializers.Serializer[None]):
    filename = serializers.CharField()
    problem = serializers.CharField()


class ReferralImportSerializer(serializers.Serializer[None]):
    destination = serializers.CharField()
    state = serializers.ChoiceField(choices=Delivery.State.choices)
    reason = serializers.ChoiceField(choices=REASONS, allow_null=True)
    reason_code = serializers.ChoiceField(choices=Delivery.Reason.choices, allow_null=True)
    message = serializers.CharField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    imported_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    missing_files = MissingFileSerializer(many=True)


class ExplanationSerializer(serializers.Serializer[None]):
    """Is it in its destination, and if not, why not and whose turn it is."""

    reference = serializers.CharField()
    imported = serializers.BooleanField()
    cause = serializers.ChoiceField(choices=[str(cause) for cause in Cause])
    sentence = serializers.CharField()
    whose_turn = serializers.CharField()
    checks = CheckSerializer(many=True)
    warnings = WarningSerializer(many=True)
    imports = ReferralImportSerializer(many=True)
