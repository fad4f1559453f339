import base64
import hashlib
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tor.address import (
    MalformedOnionAddress,
    OnionAddress,
    address_of,
    parse_onion_address,
    public_key_in,
)

# Public keys of onion services, and the addresses that another program made of them;
# message LCEJTI6ZHDEXMNAK2SV3SXLA2BF2JZ5U of tor-dev, January 2017, has both:
# https://lists.torproject.org/mailman3/hyperkitty/list/tor-dev@lists.torproject.org/
# The addresses are also the examples of rend-spec-v3, section 6.
VECTORS = [
    (
        "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    ),
    (
        "93f6ad7b54b6391d2b78147a0b2e808e143780de07f1bda6ee7f052d2e9da67b",
        "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion",
    ),
    (
        "b8391d2003bb3bd285b035ac8eb30c80c4e2a29bb7a2f0ce0df8743c37ec3593",
        "xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion",
    ),
]
ADDRESS = VECTORS[0][1]
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def onion_address(public_key: bytes, *, version: int = 3) -> str:
    """Make an address as rend-spec-v3, section 6, says."""
    tail = public_key + bytes([version])
    checksum = hashlib.sha3_256(b".onion checksum" + tail).digest()[:2]
    encoded = base64.b32encode(public_key + checksum + bytes([version]))
    return encoded.decode("ascii").lower() + ".onion"


def test_the_formula_of_these_tests_is_right() -> None:
    """
    What another program made of published keys is what the tests make of them.
    """
    assert [address for _, address in VECTORS] == [
        onion_address(bytes.fromhex(key)) for key, _ in VECTORS
    ]


@pytest.mark.parametrize("address", [address for _, address in VECTORS])
def test_published_addresses_are_read(address: str) -> None:
    """
    The examples of the specification are onion addresses.
    """
    assert address == parse_onion_address(address)


@pytest.mark.parametrize(("key", "address"), VECTORS)
def test_an_address_is_its_key(key: str, address: str) -> None:
    """
    The key is found in its address, and the address made of its key.
    """
    assert bytes.fromhex(key) == public_key_in(OnionAddress(address))
    assert address == address_of(bytes.fromhex(key))


@given(st.binary(min_size=32, max_size=32))
def test_every_address_is_read_however_it_was_pasted(public_key: bytes) -> None:
    """
    Capitals, http://, a slash and blanks around it make no difference.
    """
    address = onion_address(public_key)

    for pasted in (
        address,
        address.upper(),
        f"http://{address}",
        f"HTTP://{address.upper()}/",
        f" {address}/\n",
    ):
        assert address == parse_onion_address(pasted)


@given(
    st.one_of(
        st.text(alphabet=LETTERS, min_size=56, max_size=56).map(lambda t: f"{t}.onion"),
        st.from_regex(r"(http://)?[a-z2-7]{54,58}\.onion/?", fullmatch=True),
        st.text(),
    )
)
@example("")
@example(".onion")
@example("http://")
@example("\N{KELVIN SIGN}" * 56 + ".onion")
def test_any_text_is_an_address_or_refused(text: str) -> None:
    """
    Whatever is accepted is what the specification makes of the key within.
    """
    try:
        address = parse_onion_address(text)
    except MalformedOnionAddress:
        return

    public_key = base64.b32decode(address[:56].upper())[:32]
    assert onion_address(public_key) == address


def test_every_slip_of_one_letter_is_noticed() -> None:
    """
    No letter of this address can be another one.
    """
    slips = [
        ADDRESS[:place] + letter + ADDRESS[place + 1 :]
        for place in range(56)
        for letter in LETTERS
        if letter != ADDRESS[place]
    ]

    assert 56 * 31 == len(slips)
    for slip in slips:
        with pytest.raises(MalformedOnionAddress):
            parse_onion_address(slip)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not end in .onion"),
        ("kemensos.go.id", "does not end in .onion"),
        (ADDRESS.removesuffix(".onion"), "does not end in .onion"),
        (f"{ADDRESS}.evil.example", "does not end in .onion"),
        (f"{ADDRESS}/report", "does not end in .onion"),
        (f"{ADDRESS}:8080", "does not end in .onion"),
        (f"https://{ADDRESS}", "may begin with http:// only"),
        (f"www.{ADDRESS}", "and not '.'"),
        (ADDRESS.replace("m", "0", 1), "and not '0'"),
        (ADDRESS.replace("pg6m", "pg 6"), "and not ' '"),
        (ADDRESS.replace("p", "\N{CYRILLIC SMALL LETTER ER}"), r"and not '\u0440'"),
        ("expyuzz4wqqyqhjn.onion", "version 2"),
        (ADDRESS[1:], "has 55 letters"),
        (f"a{ADDRESS}", "has 57 letters"),
        (onion_address(bytes(32), version=4), "version 4"),
        (ADDRESS.replace("pg6m", "pg6n"), "checksum"),
        (ADDRESS.replace("pg6m", "gp6m"), "checksum"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    """
    The refusal names the mistake, not only that there is one.
    """
    with pytest.raises(MalformedOnionAddress, match=re.escape(reason)):
        parse_onion_address(text)
