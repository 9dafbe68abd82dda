"""Polls over HTTP: what a spreadsheet makes of a result."""

import csv
import io

from gateway.features.polls.routes import table_of
from rooms.polls.poll import Poll, PollOption


def test_a_result_is_a_table_of_one_line_per_option() -> None:
    poll = Poll("p", "Encore, please?", (PollOption('"yes"', 3), PollOption("no", 0)), 0, 60_000)
    rows = list(csv.DictReader(io.StringIO(table_of([poll]))))
    assert [(row["question"], row["option"], row["votes"]) for row in rows] == [
        ("Encore, please?", '"yes"', "3"),
        ("Encore, please?", "no", "0"),
    ]
    assert (rows[0]["asked"], rows[0]["ended"]) == ("1970-01-01T00:00:00+00:00", "1970-01-01T00:01:00+00:00")


def test_no_cell_begins_like_a_formula() -> None:
    poll = Poll("p", "=HYPERLINK(1)", (PollOption("+1", 1), PollOption("@sum", 0)), 0)
    rows = list(csv.reader(io.StringIO(table_of([poll]))))[1:]
    assert [row[:2] for row in rows] == [["'=HYPERLINK(1)", "'+1"], ["'=HYPERLINK(1)", "'@sum"]]
    assert [row[4] for row in rows] == ["", ""]
