"""Why a card failed, from what gpg-agent and scdaemon say (GnuPG 2.2.40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.smartcard import shown_number, wait_for_card, why_card_failed
from journalist_app.workstation.screens.wording import plain

CARD = "D276000124010304FFFE000000010000"
OTHER = "D276000124010304FFFE000000020000"
NO_DAEMON = b"ERR 67108983 No SmartCard daemon <GPG Agent>\n"
NO_DEVICE = b"ERR 100696144 No such device <SCD>\n"
READERS = b"D Virtual PCD 00 00%0AVirtual PCD 00 01%0A\nOK\n"


def serial(number: str) -> bytes:
    """Return what is said about a card that is there."""
    return f"S SERIALNO {number}\nOK\n".encode()


def tries(left: int) -> bytes:
    """Return what is said about its PINs."""
    return f"S CHV-STATUS +1+64+64+64+{left}+0+3\nOK\n".encode()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"SERIALNO": NO_DAEMON}, "install scdaemon"),
        ({"SERIALNO": NO_DEVICE, "reader_list": b"OK\n"}, "no card reader is found"),
        ({"SERIALNO": NO_DEVICE, "reader_list": READERS}, "is not in the reader"),
        ({"SERIALNO": serial(OTHER)}, "another one is in the reader (FFFE 00000002)"),
        ({"SERIALNO": serial(CARD), "CHV-STATUS": tries(0)}, "is blocked"),
        ({"SERIALNO": serial(CARD), "CHV-STATUS": tries(2)}, "tries left: 2"),
        ({"SERIALNO": serial(CARD), "CHV-STATUS": b"OK\n"}, "tries left: unknown"),
    ],
)
def test_each_link_has_its_sentence(answers: dict[str, bytes], said: str) -> None:
    """
    The card is named, the way out is told, and the screens say it in Indonesian, too.
    """
    sentence = why_card_failed(lambda line: answers[line.split()[-1]], CARD)

    assert said in sentence
    assert "smartcard FFFE 00000001" in sentence
    assert sentence != plain(sentence)


@given(st.binary(max_size=200))
def test_any_answer_makes_a_sentence(untrusted_answer: bytes) -> None:
    """Whatever a card or a program says, an officer gets a sentence about the card."""
    answers = iter([untrusted_answer, untrusted_answer, untrusted_answer])
    assert "smartcard FFFE 00000001" in why_card_failed(lambda _: next(answers), CARD)


def test_a_busy_card_is_waited_for() -> None:
    """A card that another program has just left is there a moment later."""
    answers = iter([NO_DEVICE, NO_DEVICE, serial(CARD)])
    paused: list[float] = []

    assert wait_for_card(lambda _: next(answers), pause=paused.append)

    assert 2 == len(paused)


@pytest.mark.parametrize(("answer", "seconds"), [(NO_DEVICE, 3.0), (NO_DAEMON, 0.0)])
def test_no_card_is_not_waited_for_for_ever(answer: bytes, seconds: float) -> None:
    """Three seconds, and not at all where there is nothing that could see a card."""
    paused: list[float] = []

    assert not wait_for_card(lambda _: answer, pause=paused.append)

    assert seconds == pytest.approx(sum(paused))


def test_other_cards_are_called_as_they_are() -> None:
    """Only an OpenPGP card has a short number."""
    assert "FF020001008A1234" == shown_number("FF020001008A1234")
