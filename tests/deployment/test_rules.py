"""
The firewall's rules in all their variants, read by nft without being applied.

What they let through is in tests/deployment/test_hardening.py.
"""

import re
import subprocess

import jinja2
import pytest
from support.pages import ROOT

TEMPLATE = ROOT / "ansible/roles/firewall/templates/nftables.conf.j2"
USUAL: dict[str, object] = {
    "ansible_managed": "of a test",
    "firewall_accepted": [],
    "firewall_connections": [],
    "firewall_dhcp": False,
    "firewall_messages": False,
    "firewall_resolvers": ["192.0.2.53"],
    "firewall_sets_clock": False,
    "firewall_ssh_sources": [],
    "firewall_tor": True,
    "firewall_tor_networks": [],
    "firewall_updates_networks": [],
}
BOTH = ["192.0.2.0/24", "2001:db8::/32"]
NEEDED = {"port": 5432, "reason": "the database"}


def rules(**changes: object) -> str:
    """Write the rules as the role does."""
    environment = jinja2.Environment(  # noqa: S701 - No page for a browser.
        trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.tests["search"] = lambda text, pattern: bool(re.search(pattern, text))
    text = environment.from_string(TEMPLATE.read_text()).render({**USUAL, **changes})
    # Users that only a server has; what they may do is another test's.
    return text.replace("_chrony", "daemon").replace("bisik-notify-tor", "bin")


def lines_with(text: str, *words: str) -> list[str]:
    """Find the rules that have all these words."""
    return [
        line.strip()
        for line in text.splitlines()
        if all(word in line for word in words) and not line.strip().startswith("#")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"firewall_tor": False},
        {"firewall_tor_networks": BOTH, "firewall_messages": True},
        {"firewall_messages": True},
        {"firewall_ssh_sources": BOTH},
        {"firewall_resolvers": BOTH, "firewall_sets_clock": True},
        {"firewall_resolvers": [], "firewall_updates_networks": BOTH},
        {"firewall_dhcp": True, "base_ipv6_autoconfiguration": True},
        {"firewall_accepted": [{**NEEDED, "sources": BOTH}]},
        {"firewall_connections": [{**NEEDED, "user": "root", "destinations": BOTH}]},
    ],
    ids=lambda changes: "-".join(changes) or "usual",
)
def test_nft_reads_them(changes: dict[str, object]) -> None:
    """
    Every variable that the README names makes rules, with IPv6, too; all of them drop
    what nothing lets through.
    """
    text = rules(**changes)
    done = subprocess.run(
        # In a network of its own: nft looks at the rules that are there.
        ["unshare", "--user", "--map-root-user", "--net", "nft", "--check", "-f", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert 3 == text.count("policy drop;")


def test_a_closed_door_leaves_no_rule() -> None:
    """
    Without networks that ssh may come from, nothing is let in at all.
    """
    closed, opened = rules(), rules(firewall_ssh_sources=BOTH)

    assert 2 == len(lines_with(opened, "saddr", "accept"))
    assert [] == lines_with(closed, "saddr")
    assert [] == lines_with(closed, "sport 22")


def test_a_machine_without_tor_has_none_of_its_rules() -> None:
    """
    A database's machine lets nobody out but apt.
    """
    out = lines_with(rules(firewall_tor=False), "skuid", "accept")

    assert out
    assert [] == [line for line in out if "skuid _apt " not in line]
