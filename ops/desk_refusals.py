"""What only a machine without a network refuses, and the way out."""

from casework.bundle import MalformedBundle
from casework.casefile import CaseFileAltered
from casework.installation import MalformedIdentity
from crypto.opening import CannotSign, CardCannotSign
from crypto.seeds import SeedNotRead, SeedRefused
from journalist_app.workstation.errors import (
    ActionRefused,
    CannotMove,
    CardNeeded,
    CasebookTooNew,
    CasebookTooOld,
    DeskError,
    DeskLocked,
    ForeignBundle,
    NoDesk,
    NoRoomForCopy,
    NotEnrolledYet,
    NothingToExport,
    RestoredDesk,
    TrainingMixedUp,
    TypefaceMissing,
    UnknownCase,
    UnusableBackup,
)
from ops.errors import (
    CaseFileNotSigned,
    FingerprintDiffers,
    NoBundles,
    NoOrganisation,
    NothingToDestroy,
    Refusals,
    SealedCaseFile,
    SheetsOnDisk,
)

_KINDS = (DeskError,)
_CARD = "whether the card is found at all: gpg --card-status"
_HINTS = (
    (NoDesk, "make one with: bisik desk init DIRECTORY --name NAME"),
    (NoOrganisation, "make one with: bisik organisation init DIRECTORY"),
    (SheetsOnDisk, "name a folder in memory, such as /dev/shm/sheets"),
    (SeedNotRead, "type the passphrase that was chosen at bisik organisation init"),
    (SeedRefused, "the public key must be the one that is printed on the sheets"),
    (FingerprintDiffers, "compare it with the officer once more, face to face"),
    (CasebookTooNew, "install the newer Bisik that was on this machine before"),
    (CasebookTooOld, "open the desk once with a Bisik between that version and this"),
    (NoRoomForCopy, "make room on the disk of the desk, then open it again"),
    (TrainingMixedUp, "restore the desk from its backup"),
    (CardNeeded, _CARD),
    (DeskLocked, "type the passphrase that was chosen at bisik desk init"),
    (
        ForeignBundle,
        "ask where it is from; if the server was replaced: bisik desk move",
    ),
    (MalformedBundle, "have it written once more: bisik courier export"),
    (NoBundles, "name the folder in which the files BUNDLE.tar are"),
    (CannotMove, "see docs/spec/desk-directory.md"),
    (MalformedIdentity, "on the server: bisik courier identity"),
    (NothingToExport, "the last outbox again: bisik desk export --again NUMBER"),
    (NotEnrolledYet, "import a bundle first: bisik desk import BUNDLE"),
    (RestoredDesk, "fetch a bundle made today, and import it: bisik desk import"),
    (UnusableBackup, "try the code again, letter by letter; then an older backup"),
    (UnknownCase, "see the names with: bisik desk list --all"),
    (CardCannotSign, _CARD),
    (CannotSign, "if the key has expired: bisik desk keys extend --until DAY"),
    (NothingToDestroy, "the table says why, subkey by subkey"),
    (ActionRefused, "see the case in a browser: bisik desk open"),
    (SealedCaseFile, "open it first: gpg --decrypt FILE > case-file.tar"),
    (CaseFileNotSigned, "ask the organisation who made it, by another way"),
    (CaseFileAltered, "do not rely on it; ask whoever made it for another copy"),
    (TypefaceMissing, "as root: apt-get install fonts-dejavu-core"),
)
DESK_REFUSALS = Refusals(_KINDS, _HINTS)
