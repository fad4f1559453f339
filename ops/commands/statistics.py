"""`bisik desk statistics`: a quarter's figures for those who may not see a case."""

from pathlib import Path

import click

from casework.statistics import Quarter
from casework.tabulation import to_csv
from journalist_app.durable import new_file, refuse_existing
from journalist_app.workstation.statistics import final_figures
from ops.commands.desk import opened
from ops.commands.options import NEW_FILE, desk_option
from ops.edge import Edge


@click.command("statistics")
@click.option(
    "--quarter", required=True, metavar="YYYY-QN", help="As 2027-Q1; it must be over."
)
@click.option("--to", "to", type=NEW_FILE, required=True, help="The CSV file.")
@desk_option
@click.pass_obj
def statistics(edge: Edge, desk_directory: Path, quarter: str, to: Path) -> None:
    """Write a quarter's statistics as CSV.  Small numbers are hidden."""
    wanted = Quarter.parse(quarter)
    refuse_existing(to)
    with opened(desk_directory, edge) as desk:
        today = edge.today(desk.profile.zone)
        figures = final_figures(desk, wanted, today=today)
        with new_file(to) as file:
            file.write(to_csv(figures))
    click.echo(f"Statistics of {wanted}: {to}")
