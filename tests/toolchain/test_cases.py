"""Of alike cases, some run for every change and all by `make test-all`."""

from tests.cases import some


def test_one_in_so_many_runs_for_every_change():
    cases = some([(number, "x") for number in range(5)], one_of=2)
    left_out = [case for case in cases if getattr(case, "marks", ())]
    assert [case for case in cases if case not in left_out] == [(0, "x"), (2, "x"), (4, "x")]
    assert [case.values for case in left_out] == [(1, "x"), (3, "x")]
    assert {mark.name for case in left_out for mark in case.marks} == {"whole"}
