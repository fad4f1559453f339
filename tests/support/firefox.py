"""
Debian's Firefox ESR, set as Tor Browser is at its level "Safest".

It is driven by Marionette, Mozilla's own remote control, which needs no scripts in the
page.
"""

import base64
import gc
import os
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

with warnings.catch_warnings():
    # What it imports is older than Python 3.11, and says so.
    warnings.simplefilter("ignore", DeprecationWarning)
    from marionette_driver import Wait
    from marionette_driver.by import By
    from marionette_driver.errors import (
        MarionetteException,
        NoSuchElementException,
        StaleElementException,
    )
    from marionette_driver.marionette import Marionette, WebElement

FIREFOX = "/usr/bin/firefox-esr"
PAGE_SECONDS = 60
START_SECONDS = 120

# What Tor Browser sets, as far as Firefox has it, and silence.
SAFEST: Mapping[str, object] = {
    "javascript.enabled": False,
    "javascript.options.wasm": False,
    "svg.disabled": True,
    "mathml.disabled": True,
    "gfx.downloadable_fonts.enabled": False,
    "gfx.font_rendering.graphite.enabled": False,
    "gfx.font_rendering.opentype_svg.enabled": False,
    "privacy.resistFingerprinting": True,
    "privacy.firstparty.isolate": True,
    "browser.privatebrowsing.autostart": True,
    "browser.cache.disk.enable": False,
    "permissions.memory_only": True,
    "media.peerconnection.enabled": False,
    "webgl.disabled": True,
    "network.http.referer.hideOnionSource": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "services.settings.server": "",
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "browser.newtabpage.enabled": False,
    "dom.push.connection.enabled": False,
    "dom.security.https_only_mode": False,
}


def through_tor(socks_port: int) -> Mapping[str, object]:
    """Return the settings by which Tor Browser uses its tor, and nothing else."""
    return {
        "network.proxy.type": 1,
        "network.proxy.socks": "127.0.0.1",
        "network.proxy.socks_port": socks_port,
        "network.proxy.socks_version": 5,
        "network.proxy.socks_remote_dns": True,
        "network.proxy.no_proxies_on": "",
        "network.proxy.allow_hijacking_localhost": True,
        "network.proxy.failover_direct": False,
        "network.dns.disabled": True,
        "network.dns.blockDotOnion": False,
    }


@dataclass(frozen=True)
class FirefoxDriver:
    """Firefox's hands and eyes for `support.walk`."""

    marionette: Marionette
    base: str

    def goto(self, path: str) -> None:
        """Open a page of the site."""
        self.marionette.navigate(self.base + path)

    def fill(self, css: str, text: str) -> None:
        """Type into a field."""
        element = self._find(css)
        element.clear()
        element.send_keys(text)

    def click(self, css: str) -> None:
        """Press a button or follow a link, and wait for the next page."""
        element = self._find(css)
        before = self._find("html")
        element.click()

        def is_gone(_marionette: Marionette) -> bool:
            try:
                before.tag_name  # noqa: B018 - Asks the browser for the element.
            except StaleElementException:
                return True
            except MarionetteException:
                return True
            return False

        Wait(self.marionette, timeout=PAGE_SECONDS).until(is_gone)

    def text(self, css: str) -> str:
        """Read what stands in the first such element."""
        found: str = self._find(css).text
        return found

    def choose_files(self, css: str, paths: Sequence[Path]) -> None:
        """Choose files from the disk, one after the other."""
        for path in paths:
            self._find(css).send_keys(str(path))

    def width(self) -> int:
        """Return the width of the page's view in CSS pixels."""
        width: int = self.marionette.execute_script(
            "return window.innerWidth", sandbox="system"
        )
        return width

    def fits(self) -> bool:
        """Tell whether nothing sticks out of the screen sideways."""
        inside: bool = self.marionette.execute_script(
            "const root = document.documentElement;"
            "return root.scrollWidth <= root.clientWidth;",
            sandbox="system",
        )
        return inside

    def runs_scripts(self) -> bool:
        """Tell whether scripts of pages are on."""
        enabled: bool = self.marionette.get_pref("javascript.enabled")
        return enabled

    def screenshot(self, path: Path) -> None:
        """Save how the whole page looks."""
        path.write_bytes(base64.b64decode(self.marionette.screenshot(full=True)))

    def _find(self, css: str) -> WebElement:
        # Between two pages there is a moment in which nothing can be found.
        found: WebElement = Wait(
            self.marionette,
            timeout=PAGE_SECONDS,
            ignored_exceptions=(NoSuchElementException,),
        ).until(lambda marionette: marionette.find_element(By.CSS_SELECTOR, css))
        return found


@contextmanager
def running_firefox(
    folder: Path, base: str, *, width: int, height: int, socks_port: int | None = None
) -> Iterator[FirefoxDriver]:
    """
    Start Firefox with a profile of its own, and end it.

    Args:
        folder: For its profile and its home.

        base: Address of the site, without a slash at its end.

        width: Of the view, in CSS pixels.

        height: Of the view.

        socks_port: Of a tor; everything goes through it then, and names are asked
            there, too.
    """
    home = folder / "home"
    home.mkdir()
    variables = {
        "HOME": str(home),
        "MOZ_HEADLESS": "1",
        "MOZ_HEADLESS_WIDTH": str(max(width, 500)),
        "MOZ_HEADLESS_HEIGHT": str(height + 100),
    }
    saved = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        with warnings.catch_warnings():
            # It leaves the sockets open with which it looks for the browser.
            warnings.simplefilter("ignore", ResourceWarning)
            marionette = Marionette(
                bin=FIREFOX,
                headless=True,
                prefs={**SAFEST, **(through_tor(socks_port) if socks_port else {})},
                host="127.0.0.1",
                port=_free_port(),
                startup_timeout=START_SECONDS,
                gecko_log=str(folder / "gecko.log"),
                workspace=str(folder),
                # For narrowing the page, which is done in the browser's own window.
                app_args=["-remote-allow-system-access"],
            )
            gc.collect()
        try:
            marionette.start_session()
            marionette.timeout.page_load = PAGE_SECONDS
            driver = FirefoxDriver(marionette, base)
            _resize(driver, width, height)
            yield driver
        finally:
            with suppress(MarionetteException):
                marionette.quit(in_app=False)
            marionette.cleanup()
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def attached_to(port: int, base: str) -> FirefoxDriver:
    """
    Drive a Firefox that somebody else has started, and will end.

    Args:
        port: Of its Marionette, on this machine.

        base: Address of the site, without a slash at its end.
    """
    marionette = Marionette(host="127.0.0.1", port=port)
    marionette.raise_for_port(timeout=START_SECONDS)
    marionette.start_session()
    marionette.timeout.page_load = PAGE_SECONDS
    return FirefoxDriver(marionette, base)


def _resize(driver: FirefoxDriver, width: int, height: int) -> None:
    marionette = driver.marionette
    marionette.set_window_rect(width=width, height=height)
    # A window is never narrower than 500 pixels, but the page in it can be.
    with marionette.using_context("chrome"):
        marionette.execute_script(
            "gBrowser.tabbox.style.maxWidth = arguments[0] + 'px'",
            script_args=[width],
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
