"""Accounts and the record of the courier, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.deaddrop_samples import DAY, read_everything

from deaddrop import DeadDrop, DeadDropError, UnknownOfficer
from deaddrop.accounts import (
    MOST_THROTTLED,
    Account,
    Attempt,
    CourierSession,
    Throttle,
)

KEY = "A" * 40
ACCOUNT = Account(KEY, "ani", "$argon2id$...", b"sealed", 0)
CODES = [bytes([number]) * 32 for number in range(3)]


@pytest.fixture
def enrolled(drop: DeadDrop) -> DeadDrop:
    """A drop with one officer who has an account."""
    drop.officers.add(fingerprint=KEY, name="A", certificate=b"A", desk_id=b"a" * 16)
    drop.accounts.put(ACCOUNT, code_digests=CODES)
    return drop


def test_an_account_is_found_by_its_name(enrolled: DeadDrop) -> None:
    """And by no other."""
    assert ACCOUNT == enrolled.accounts.find("ani")
    assert enrolled.accounts.find("Ani") is None
    assert {KEY: "ani"} == enrolled.accounts.user_names()


def test_only_officers_have_accounts(enrolled: DeadDrop) -> None:
    """Nobody else gets one, and whoever is retired has none any more."""
    before = read_everything(enrolled)
    with pytest.raises(UnknownOfficer):
        enrolled.accounts.put(replace(ACCOUNT, fingerprint="B" * 40), code_digests=[])
    assert before == read_everything(enrolled)
    session = CourierSession(KEY, 1, 1)
    enrolled.accounts.start_session(b"s" * 32, session)
    enrolled.officers.retire(KEY)
    assert enrolled.accounts.find("ani") is None
    assert enrolled.accounts.session(b"s" * 32) is None


def test_a_step_is_taken_once(enrolled: DeadDrop) -> None:
    """The same one-time password, or an earlier one, is refused."""
    taken = [enrolled.accounts.accept_step(KEY, step) for step in (5, 5, 4, 6)]
    assert [True, False, False, True] == taken


def test_a_code_is_taken_once(enrolled: DeadDrop) -> None:
    """A recovery code is gone when it was used."""
    assert enrolled.accounts.accept_code(KEY, CODES[0])
    assert not enrolled.accounts.accept_code(KEY, CODES[0])
    assert not enrolled.accounts.accept_code("B" * 40, CODES[1])
    assert 2 == enrolled.accounts.codes_left(KEY)


def test_a_new_account_ends_the_old_one(enrolled: DeadDrop) -> None:
    """Codes and sessions of before are gone."""
    enrolled.accounts.start_session(b"s" * 32, CourierSession(KEY, 1, 1))
    enrolled.accounts.put(ACCOUNT, code_digests=[b"n" * 32])
    assert enrolled.accounts.session(b"s" * 32) is None
    assert 1 == enrolled.accounts.codes_left(KEY)
    assert enrolled.accounts.remove(KEY)
    assert not enrolled.accounts.remove(KEY)


def test_another_passphrase_ends_all_sessions(enrolled: DeadDrop) -> None:
    """Whoever had one must sign in anew."""
    enrolled.accounts.start_session(b"s" * 32, CourierSession(KEY, 1, 1))
    enrolled.accounts.set_passphrase(KEY, "other")
    assert enrolled.accounts.session(b"s" * 32) is None
    found = enrolled.accounts.find("ani")
    assert found is not None
    assert "other" == found.passphrase_phc


def test_attempts_of_long_ago_are_forgotten(enrolled: DeadDrop) -> None:
    """Those that still have to wait stay."""
    for name, until in ((b"o", 100), (b"n", 900)):
        enrolled.accounts.begin_attempt(
            name * 32, until, wait_seconds=lambda failures: 0
        )
    assert 1 == enrolled.accounts.forget_attempts(until_before=500)
    assert Throttle() == enrolled.accounts.throttle(b"o" * 32)
    assert Throttle(1, 900) == enrolled.accounts.throttle(b"n" * 32)


def test_an_account_goes_with_its_officer(enrolled: DeadDrop) -> None:
    """Passphrase, codes and sessions of a retired officer go; others' stay."""
    other = replace(ACCOUNT, fingerprint="B" * 40, user_name="budi")
    enrolled.officers.add(
        fingerprint="B" * 40, name="B", certificate=b"B", desk_id=b"b" * 16
    )
    enrolled.accounts.put(other, code_digests=[b"b" * 32])
    enrolled.accounts.start_session(b"s" * 32, CourierSession(KEY, 1, 1))
    enrolled.officers.retire(KEY)
    assert 1 == enrolled.accounts.forget_retired()
    assert {"B" * 40: "budi"} == enrolled.accounts.user_names()
    left = read_everything(enrolled)
    assert [(b"b" * 32, "B" * 40)] == left["courier_code"]
    assert [] == left["courier_session"]


def test_sessions_end_by_themselves(enrolled: DeadDrop) -> None:
    """Those that began or were used too long ago are removed."""
    for name, begun, seen in ((b"a", 10, 90), (b"b", 80, 90), (b"c", 80, 20)):
        session = CourierSession(KEY, begun, seen)
        enrolled.accounts.start_session(name * 32, session)
    assert 2 == enrolled.accounts.forget_sessions(begun_before=50, seen_before=50)
    assert 0 == enrolled.accounts.forget_sessions(begun_before=50, seen_before=50)
    found = [enrolled.accounts.session(name * 32) is not None for name in (b"a", b"b")]
    assert [False, True] == found
    assert enrolled.accounts.session(b"c" * 32) is None
    enrolled.accounts.touch_session(b"b" * 32, 99)
    assert CourierSession(KEY, 80, 99) == enrolled.accounts.session(b"b" * 32)
    enrolled.accounts.end_session(b"b" * 32)
    assert enrolled.accounts.session(b"b" * 32) is None


def test_failed_attempts_are_counted_and_bounded(drop: DeadDrop) -> None:
    """However many names are tried, only so many are kept."""
    accounts = drop.accounts
    assert Throttle() == accounts.throttle(b"x" * 32)
    first = accounts.begin_attempt(b"x" * 32, 40, wait_seconds=lambda _failures: 0)
    assert Attempt(Throttle(1, 40), counted=True) == first
    second = accounts.begin_attempt(b"x" * 32, 40, wait_seconds=lambda _failures: 10)
    assert Attempt(Throttle(2, 50), counted=True) == second
    third = accounts.begin_attempt(b"x" * 32, 49, wait_seconds=lambda _failures: 99)
    assert Attempt(Throttle(2, 50), counted=False) == third
    assert Throttle(2, 50) == accounts.throttle(b"x" * 32)
    accounts.forget_failures(b"x" * 32)
    assert Throttle() == accounts.throttle(b"x" * 32)


def test_attempts_at_the_same_time_are_counted_one_by_one(drop: DeadDrop) -> None:
    """None is lost because another one read the same number."""
    at_once = threading.Barrier(6)

    def attempt(_number: int) -> Attempt:
        at_once.wait()
        return drop.accounts.begin_attempt(
            b"x" * 32, 40, wait_seconds=lambda failures: 5 * (failures >= 4)
        )

    with ThreadPoolExecutor(6) as threads:
        attempts = list(threads.map(attempt, range(6)))
    counted = [one.throttle.failures for one in attempts if one.counted]
    assert [1, 2, 3, 4] == sorted(counted)
    assert Throttle(4, 45) == drop.accounts.throttle(b"x" * 32)


@pytest.mark.slow
def test_the_oldest_attempts_are_forgotten(drop: DeadDrop) -> None:
    """A flood of names does not fill the database."""
    for number in range(MOST_THROTTLED + 5):
        drop.accounts.begin_attempt(
            number.to_bytes(32), number, wait_seconds=lambda _failures: 0
        )
    assert Throttle() == drop.accounts.throttle((0).to_bytes(32))
    assert Throttle(1, 5) == drop.accounts.throttle((5).to_bytes(32))


def test_the_record_grows_and_is_chained(drop: DeadDrop) -> None:
    """Lines are numbered, and each digest covers the one before."""
    for detail in ("1 items", "2 items"):
        drop.records.append(day=DAY, fingerprint=KEY, action="fetched", detail=detail)
    newest, first = drop.records.last(5)
    assert ("2 items", 2, "1 items", 1) == (
        newest.detail,
        newest.number,
        first.detail,
        first.number,
    )
    assert drop.records.first_fault() is None
    assert 2 == drop.records.count()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE courier_record SET detail = 'nothing'",
        "DELETE FROM courier_record",
    ],
)
def test_the_record_cannot_be_changed(drop: DeadDrop, statement: str) -> None:
    """The database itself refuses, whoever asks."""
    drop.records.append(day=DAY, fingerprint=KEY, action="fetched", detail="1 items")
    before = read_everything(drop)
    with pytest.raises(DeadDropError), drop.database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert before == read_everything(drop)


def test_a_line_removed_by_other_means_is_seen(sqlite_drop: DeadDrop) -> None:
    """Whoever takes the triggers away still cannot mend the chain."""
    for detail in "abc":
        sqlite_drop.records.append(
            day=DAY, fingerprint=KEY, action="fetched", detail=detail
        )
    with sqlite_drop.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER courier_record_DELETE")
        connection.exec_driver_sql("DELETE FROM courier_record WHERE number = 2")
    assert 2 == sqlite_drop.records.first_fault()
