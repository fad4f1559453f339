"""
What a desk can refuse.

    DeskError
      +- NoDesk             the folder is not a desk
      +- DeskInUse          another program has it open
      +- DeskLocked         its casebook's key cannot be opened
      |    +- CardNeeded    for want of the smartcard that has the key
      +- CasebookUnreadable the casebook is damaged
      |    +- CasebookTooNew  a newer version made it
      |    +- CasebookTooOld  no step leads here from the version that made it
      |    +- NoRoomForCopy   it cannot be copied before its tables change
      +- TrainingMixedUp    its record and its casebook disagree about training
      +- ForeignBundle      the bundle is of another installation
      +- UnknownCase        no case has this name
      +- UnusableReply      the reply contradicts itself
      +- NothingToExport    everything is in an earlier outbox
      +- UnknownOutbox      there is no outbox of this number
      +- NotEnrolledYet     no bundle has told which installation this is
      +- SavedFileDiffers   an attachment is not the one that was recorded
      +- StoredItemDamaged  a file of the store is not what was put there
      +- NoOrganisation     it is not known who certifies officers
      +- UnknownColleague   no officer is known by this name
      +- ActionRefused      the case cannot be treated like this
      +- TypefaceMissing    nothing can be drawn on this machine
      +- TooMuchText        the case is too long for a case file
      +- RestoredDesk       it must hear from the server before it acts again
      +- UnusableBackup     the backup is damaged, or the code is another's
      +- CannotMove         it cannot leave its server for that one
"""


class DeskError(Exception):
    """The desk did not do it, and nothing was changed."""


class NoDesk(DeskError):
    """There is no desk in this folder, or its desk.json cannot be read."""


class DeskInUse(DeskError):
    """Another program is working on this desk; wait until it has ended."""


class DeskLocked(DeskError):
    """The desk cannot be unlocked: wrong passphrase, or the key is not here."""


class CardNeeded(DeskLocked):
    """The desk cannot be unlocked without the smartcard that has its key."""


class CasebookUnreadable(DeskError):
    """The casebook is damaged."""


class CasebookTooNew(CasebookUnreadable):
    """The casebook was made by a newer version of this software."""


class CasebookTooOld(CasebookUnreadable):
    """The casebook was made by a version that this one cannot follow."""


class NoRoomForCopy(CasebookUnreadable):
    """The casebook cannot be copied before it is brought to this version."""


class TrainingMixedUp(DeskError):
    """
    The desk's record and its casebook disagree about whether it is for training.

    Somebody has changed desk.json, or put another casebook into the folder.
    """


class ForeignBundle(DeskError):
    """The bundle is of another installation; nothing of it was imported."""


class UnknownCase(DeskError):
    """There is no case of this name on this desk."""


class UnusableReply(DeskError):
    """The reply cannot be written like this."""


class NothingToExport(DeskError):
    """There is nothing new to export."""


class UnknownOutbox(DeskError):
    """The desk has made no outbox of this number."""


class NotEnrolledYet(DeskError):
    """No bundle was imported yet, so it is not known whom an outbox is for."""


class SavedFileDiffers(DeskError):
    """An attachment is not the one that was recorded at import."""


class StoredItemDamaged(DeskError):
    """A stored item is damaged; restore the desk from a backup."""


class NoOrganisation(DeskError):
    """The organisation's key is not on this desk: bisik desk trust KEY."""


class UnknownColleague(DeskError):
    """There is no officer of this name on this desk."""


class RestoredDesk(DeskError):
    """This desk was restored from a backup: first import a bundle made since then."""


class UnusableBackup(DeskError):
    """The backup is damaged, or this is not its recovery code."""


class CannotMove(DeskError):
    """The desk cannot leave its server for that one."""


class ActionRefused(DeskError):
    """The case cannot be treated like this."""


class ShownOtherwise(ActionRefused):
    """The case has other items by now than were shown: look at it again."""


class TypefaceMissing(DeskError):
    """The typeface is not on this machine: install the package fonts-dejavu-core."""


class TooMuchText(DeskError):
    """The case has more text than a case file takes: use the paraphrase form."""
