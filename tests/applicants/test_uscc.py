"""The unified social credit code, in Python and in the database, and that the two agree."""

import random
import string

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from applicants import uscc

# The example of GB 32100-2015 and codes printed on public licences.
RIGHT = ["91350100M000100Y43", "91110000600037341L", "9144030071526726XG", "91320214MA1XPQ3F0P"]


@pytest.mark.parametrize("code", RIGHT)
def test_published_codes_are_right(code):
    assert uscc.is_valid(code)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "91350100M000100Y44",
        "91350100m000100y43",
        "9135010OM000100Y43",
        "91350100I000100Y43",
        "9135X100M000100Y43",
        "91350100M000100Y43\n",
        "91350100Ｍ000100Y43",
        "９１３５０１００M000100Y43",
    ],
)
def test_a_code_with_one_thing_wrong_is_refused(code):
    assert not uscc.is_valid(code)


@pytest.mark.parametrize("code", RIGHT)
def test_every_single_wrong_character_is_noticed(code):
    for place in range(18):
        for other in uscc.ALPHABET:
            assert uscc.is_valid(code[:place] + other + code[place + 1 :]) == (other == code[place])


def test_swapping_neighbours_is_noticed():
    code = RIGHT[0]
    for place in range(17):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert uscc.is_valid(swapped) == (swapped == code)


def test_what_people_type_is_put_right():
    assert uscc.normalise(" ９１３２０２１４-ma1xpq3f0p　") == "91320214MA1XPQ3F0P"


def test_a_check_character_is_asked_only_of_seventeen_right_ones():
    for first in ("", "91350100M000100Y", "91350100M000100Y43", "9135010OM000100Y4"):
        with pytest.raises(ValueError, match="17"):
            uscc.check_character(first)


@given(st.text(uscc.ALPHABET, min_size=2, max_size=2), st.text("0123456789", min_size=6, max_size=6), st.data())
def test_the_computed_character_is_the_only_right_one(head, division, data):
    first = head + division + data.draw(st.text(uscc.ALPHABET, min_size=9, max_size=9))
    right = [last for last in uscc.ALPHABET if uscc.is_valid(first + last)]
    assert right == [uscc.check_character(first)]


@pytest.mark.django_db
def test_the_database_judges_random_codes_as_python_does():
    draw = random.Random()
    anything = string.ascii_letters + string.digits + "ＡⅠ-"
    codes = list(RIGHT)
    for _ in range(300):
        first = "".join(draw.choices(uscc.ALPHABET, k=2) + draw.choices("0123456789", k=6))
        first += "".join(draw.choices(uscc.ALPHABET, k=9))
        codes.append(first + draw.choice([uscc.check_character(first), draw.choice(anything)]))
        codes.append("".join(draw.choices(anything, k=draw.choice([17, 18]))))
    with connection.cursor() as cursor:
        for table in ("applicants_organisation", "applicants_sanction", "providers_provider"):
            cursor.execute(
                "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint"
                " WHERE conrelid = %s::regclass AND conname LIKE '%%uscc_valid'",
                [table],
            )
            check = cursor.fetchone()[0].replace("%", "%%")
            cursor.execute(f"SELECT uscc, {check} FROM unnest(%s::text[]) AS codes(uscc)", [codes])
            assert {code: right for code, right in cursor.fetchall()} == {code: uscc.is_valid(code) for code in codes}


@pytest.mark.django_db
def test_a_wrong_code_is_refused_by_the_tables_themselves(make_organisation):
    organisation = make_organisation()
    with pytest.raises(IntegrityError, match="organisation_uscc_valid"), transaction.atomic():
        type(organisation).objects.filter(pk=organisation.pk).update(uscc="91350100M000100Y44")
    with (
        connection.cursor() as cursor,
        pytest.raises(IntegrityError, match="sanction_uscc_valid"),
        transaction.atomic(),
    ):
        cursor.execute(
            "INSERT INTO applicants_sanction (uscc, list_name, reason, source, listed_on)"
            " VALUES ('91350100M000100Y44', '', '', '', '2025-01-01')"
        )
