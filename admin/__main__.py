"""python -m admin: the administrator's terminal."""

from __future__ import annotations

import logging
import sys

import click

from admin.check import check
from admin.configuration import configuration
from admin.cycle import cycle
from admin.escrow import escrow
from admin.evaluate import evaluate
from admin.explain import explain
from admin.export_schema import export_schema
from admin.holds import holds
from admin.import_schema import import_schema
from admin.init import init
from admin.links import links
from admin.onboard import onboard
from admin.plan import plan
from admin.provision import provision
from admin.register import register
from admin.schema import schema
from admin.scope import scope
from admin.status import status
from admin.subscriptions import subscriptions
from admin.try_mapping import try_mapping
from admin.validate import validate


@click.group()
def admin() -> None:
    """Check, try and operate Crosstenant."""
    logging.getLogger("azure.identity").setLevel(logging.ERROR)  # commands tell in words why a sign-in was refused


admin.add_command(check)
admin.add_command(configuration)
admin.add_command(cycle)
admin.add_command(escrow)
admin.add_command(evaluate)
admin.add_command(explain)
admin.add_command(export_schema)
admin.add_command(holds)
admin.add_command(import_schema)
admin.add_command(init)
admin.add_command(links)
admin.add_command(onboard)
admin.add_command(plan)
admin.add_command(provision)
admin.add_command(register)
admin.add_command(schema)
admin.add_command(scope)
admin.add_command(status)
admin.add_command(subscriptions)
admin.add_command(try_mapping)
admin.add_command(validate)

if __name__ == "__main__":
    sys.exit(admin(prog_name="python -m admin"))
