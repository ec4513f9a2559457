"""`export-schema`: one target of sync.yaml as a synchronizationSchema, for Entra or for comparing with Entra's.

The schema goes to standard output, the report of what Entra cannot express to standard error. No tenant is asked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from admin.loss_report import as_json, as_text
from shared.config.faults import ConfigurationError
from shared.config.sync_file import read_sync_file
from shared.core.synchronization_schema_export import RulesOfTarget
from shared.core.synchronization_schema_export import export_schema as translate


@click.command("export-schema")
@click.option("--target", help="The target's name; needed where there are several.")
@click.option("--sync", type=click.Path(path_type=Path), default=Path("sync.yaml"), show_default=True)
@click.option("--json", "as_data", is_flag=True, help="The report as JSON.")
def export_schema(target: str | None, sync: Path, as_data: bool) -> None:
    """Translate a target into Entra's synchronizationSchema.

    Exit code 2 where sync.yaml is wrong, or has no such target.
    """
    try:
        configuration = read_sync_file(sync)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    names = [each.name for each in configuration.targets]
    wanted = target if target is not None or len(names) > 1 else names[0]
    if wanted not in names:
        print(f"--target: name one of {', '.join(names)}", file=sys.stderr)
        sys.exit(2)
    found = configuration.target(wanted)
    schema, lines = translate(
        RulesOfTarget(
            name=found.name,
            source_tenant_id=configuration.source.tenant_id,
            target_tenant_id=found.tenant.tenant_id,
            mappings=found.mappings,
            filter=found.scope.filter,
            input_filter=found.scope.input_filter,
            policy=found.policy,
            compat=found.compat,
        )
    )
    sys.stdout.write(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    sys.stderr.write(as_json(lines) if as_data else as_text(lines))
