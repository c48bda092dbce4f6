"""When the pool runs dry: a plain function of daily holds, said with what it rests on."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from vouchers.budget.forecast import forecast

TODAY, UNTIL = dt.date(2026, 3, 31), dt.date(2026, 6, 30)


def days_ago(days):
    return TODAY - dt.timedelta(days=days)


def told(free, daily, today=TODAY, until=UNTIL):
    return forecast(free, daily, today=today, until=until)


def test_at_a_steady_pace_it_names_the_day():
    found = told(10_000, [(days_ago(back), 1_000) for back in range(10)])
    assert (found.dry_on, found.left_fen) == (dt.date(2026, 4, 10), 0)
    assert "近 10 天日均净占用 10.00 元" in found.text
    assert "2026年4月10日" in found.text


def test_a_part_of_a_day_is_a_day():
    assert told(10_001, [(days_ago(back), 1_000) for back in range(10)]).dry_on == dt.date(2026, 4, 11)


def test_what_was_given_back_slows_the_pace():
    assert told(10_000, [(days_ago(9), 10_000), (days_ago(0), -5_000)]).dry_on == dt.date(2026, 4, 20)


def test_only_the_last_weeks_count():
    found = told(28_000, [(days_ago(90), 9_000_000), (days_ago(3), 28_000)])
    assert found.dry_on == dt.date(2026, 4, 28)


def test_it_goes_no_further_than_the_filing():
    found = told(1_000_000, [(days_ago(9), 1_000)])
    assert (found.dry_on, found.left_fen) == (None, 1_000_000 - 1_000 * 91 // 10)
    assert "到申报截止预计还剩" in found.text


def test_it_says_when_it_cannot_say():
    assert told(5, []).text == "还没有申报占用资金，暂时不能推算何时用完。"
    assert told(5, [(days_ago(2), 100), (days_ago(1), -100)]).dry_on is None
    assert told(5, [(days_ago(2), 100)], until=TODAY).text == "申报已经截止，到申报截止预计还剩 0.05 元。"


def test_an_empty_pool_is_dry_today():
    assert told(0, [(days_ago(2), 100)]).dry_on == TODAY


@given(
    st.integers(1, 10**10),
    st.lists(st.tuples(st.integers(0, 60), st.integers(-(10**8), 10**9)), min_size=1, max_size=40),
)
def test_the_day_named_is_the_first_on_which_the_pace_has_taken_it_all(free, moves):
    daily = [(days_ago(back), fen) for back, fen in moves]
    found = told(free, daily)
    assert found.dry_on is None or TODAY < found.dry_on <= UNTIL
    assert found.left_fen is None or 0 <= found.left_fen <= free
