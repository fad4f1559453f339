"""`bisik desk train`: a desk with ready-made cases, to learn the work at."""

from pathlib import Path

import click

from casework.profile import Profile, shipped_profile
from journalist_app.durable import refuse_existing
from journalist_app.workstation.desk import Institution
from journalist_app.workstation.training.making import make_training_desk
from ops.commands.options import NEW_DIRECTORY, READABLE_FILE
from ops.edge import Edge
from ops.shipped import shipped_calendar


@click.command("train")
@click.argument("directory", type=NEW_DIRECTORY)
@click.option("--profile", type=READABLE_FILE, help="The institution's profile.")
@click.option("--calendar", type=READABLE_FILE, help="Its calendar of holidays.")
@click.pass_obj
def train(
    edge: Edge, directory: Path, profile: Path | None, calendar: Path | None
) -> None:
    """
    Make a desk for training, with ready-made cases.

    It has no passphrase and takes no real bundle.  To begin again, delete the folder
    and make another one.
    """
    refuse_existing(directory)
    text = profile.read_text("utf-8") if profile else shipped_profile()
    make_training_desk(
        directory,
        institution=Institution(
            text, calendar.read_text("utf-8") if calendar else shipped_calendar()
        ),
        today=edge.today(Profile.parse(text).zone),
        entropy=edge.entropy,
        tell=lambda what: click.echo(f"Making {what} ..."),
    )
    click.echo(f"The desk for training is {directory}. Nothing in it is real.")
    click.echo(f"Open it: bisik desk open --desk {directory}")
