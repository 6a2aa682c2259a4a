"""What filters read: words and hours, made by Python so that both databases find the same."""

from typing import Any

from django.db import models

from directory.models.children import Program, Schedule, ServiceArea
from directory.models.entries import Entry


class Word(models.Model):
    """A word of an entry, in any language, in one of its parts.

    The words of a program stand under its agency, with the program; those of a city under the
    location. What a service is found by is put together when it is searched.
    """

    class Part(models.IntegerChoices):
        NAME = 1, "a name or alternate name; of a term also a synonym"
        TEXT = 2, "a description or a code"
        CITY = 3, "the city of a location"

    word = models.CharField(max_length=60, db_index=True)
    part = models.PositiveSmallIntegerField(choices=Part.choices)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="words")
    program = models.ForeignKey(Program, null=True, on_delete=models.CASCADE, related_name="words")

    def __str__(self) -> str:
        return f"word of entry {self.entry_id}"


class Hours(models.Model):
    """The rule and times that schedules have: computed once for all schedules that say the same."""

    key = models.CharField(max_length=32, unique=True)
    columns: Any = models.JSONField()  # of the schedule, as `directory.hours` reads them

    class Meta:
        verbose_name_plural = "hours"

    def __str__(self) -> str:
        return f"hours {self.key}"


class ScheduleHours(models.Model):
    """The hours of a schedule."""

    schedule = models.OneToOneField(
        Schedule, primary_key=True, on_delete=models.CASCADE, related_name="hours"
    )
    hours = models.ForeignKey(Hours, on_delete=models.CASCADE, related_name="schedules")

    class Meta:
        verbose_name_plural = "hours of schedules"

    def __str__(self) -> str:
        return f"hours of schedule {self.schedule_id}"


class AreaName(models.Model):
    """A name of a service area, in any language."""

    area = models.ForeignKey(ServiceArea, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=300, db_index=True)

    def __str__(self) -> str:
        return f"name of service area {self.area_id}"
