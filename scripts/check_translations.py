"""
Check that every sentence of the sites and of the desk is there in every language.

The sentences are written in Indonesian, in the code and the templates, and each
catalogue under `translations` beside them says them in another language.  This finds
a sentence that a catalogue lacks, leaves empty or fuzzy, still carries although
nobody says it any more, or says with other placeholders (`%(day)s`).

Nothing is written: `pybabel update` is what changes catalogues.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

SITES = (
    Path("source_app"),
    Path("journalist_app/courier"),
    Path("journalist_app/workstation/screens"),
)
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "_l": None}

HINT = """\
bisik: hint: bring the catalogues up to date, then translate what is empty:
bisik: hint:   .venv/bin/pybabel extract -F SITE/babel.cfg -k lazy_gettext -k _l \\
bisik: hint:       -o messages.pot SITE
bisik: hint:   .venv/bin/pybabel update -i messages.pot -d SITE/translations
"""


def sentences_of(site: Path) -> Catalog:
    """Collect what the code and the templates of *site* say."""
    with (site / "babel.cfg").open(encoding="utf-8") as mapping:
        # Babel leaves this one without types.
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    spoken = Catalog()
    for file_name, line, message, comments, context in extract_from_dir(
        site, methods, options, KEYWORDS
    ):
        place = (str(site / file_name), line)
        spoken.add(message, locations=[place], auto_comments=comments, context=context)
    return spoken


def faults_of(translated: Catalog, spoken: Catalog) -> Iterator[str]:
    """Say what *translated* gets wrong of what is *spoken*, one by one."""
    for message in spoken:
        if message.id:
            fault = _fault_of(translated, message)
            if fault is not None:
                yield f"{fault}: {message.id!r} ({_place(message)})"
    for message in translated:
        if message.id and spoken.get(message.id, message.context) is None:
            yield f"nobody says this any more: {message.id!r}"


def _fault_of(translated: Catalog, message: Message) -> str | None:
    translation = translated.get(message.id, message.context)
    if translation is None:
        return "missing"
    if translation.fuzzy:
        return "fuzzy"
    forms = translation.string
    if not all(forms if isinstance(forms, list | tuple) else [forms]):
        return "not translated"
    for error in translation.check(translated):
        return str(error)
    return None


def _place(message: Message) -> str:
    return ", ".join(f"{name}:{line}" for name, line in message.locations)


def main() -> int:
    """Check every catalogue and return the exit status."""
    statuses = [check(site) for site in SITES]
    if any(statuses):
        sys.stderr.write(HINT)
    return max(statuses)


def check(site: Path) -> int:
    """Check every catalogue of one site and return the exit status."""
    spoken = sentences_of(site)
    catalogues = sorted(site.glob("translations/*/LC_MESSAGES/messages.po"))
    if not catalogues:
        sys.stderr.write(f"bisik: error: {site}/translations has no catalogue\n")
        return 1

    status = 0
    for path in catalogues:
        with path.open("rb") as file:
            translated = read_po(file, locale=path.parts[-3], abort_invalid=True)
        faults = list(faults_of(translated, spoken))
        for fault in faults:
            sys.stderr.write(f"bisik: error: {path}: {fault}\n")
        if faults:
            status = 1
        else:
            sys.stdout.write(f"{path}: all {len(spoken)} sentences translated\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
