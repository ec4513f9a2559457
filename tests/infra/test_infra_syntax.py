"""The Bicep files can be read, by two parsers that know nothing of one another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pycep
import pytest
from bicep_deployment import FILES, MAIN, REGISTRATIONS, ROOT
from bicep_expressions import parse, text

if TYPE_CHECKING:
    import tree_sitter

PARAMETERS = json.loads((ROOT / "infra/main.parameters.json").read_text(encoding="utf-8"))["parameters"]


def faults(node: tree_sitter.Node) -> list[str]:
    """Where the grammar could not follow."""
    here = [f"line {node.start_point[0] + 1}: {text(node)[:80]}"] if node.is_error or node.is_missing else []
    return here + [fault for child in node.children for fault in faults(child)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tree_sitter_reads_every_file(path):
    """No error and no missing piece in the syntax tree."""
    assert faults(parse(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pycep_reads_every_file_and_sees_the_same(path):
    """The second parser finds the parameters, variables, resources, modules and outputs that the first one finds."""
    seen = pycep.BicepParser().parse(text=path.read_text(encoding="utf-8"))
    kinds = {
        "parameter": "parameters",
        "variable": "variables",
        "resource": "resources",
        "module": "modules",
        "output": "outputs",
    }
    for kind, section in kinds.items():
        declared = [text(node.named_children[0]) for node in parse(path).children if node.type == f"{kind}_declaration"]
        assert sorted(seen.get(section, {})) == sorted(declared)


def test_a_broken_file_is_noticed(tmp_path):
    """The two tests above can fail."""
    broken = tmp_path / "broken.bicep"
    broken.write_text("resource app 'Microsoft.Web/sites@2024-11-01' = {\n  name: \n", encoding="utf-8")
    assert faults(parse(broken))


def test_every_module_is_used():
    """main.bicep names each file of infra/modules once."""
    source = MAIN.read_text(encoding="utf-8")
    modules = [path for path in FILES if path not in {MAIN, REGISTRATIONS}]
    assert modules
    for path in modules:
        assert source.count(f"'{path.relative_to(MAIN.parent)}'") == 1, path


def test_azd_can_set_every_parameter():
    """main.parameters.json has all parameters of main.bicep, and repeats no default."""
    declared = {text(node.named_children[0]) for node in parse(MAIN).children if node.type == "parameter_declaration"}
    assert set(PARAMETERS) == declared
    for name, parameter in PARAMETERS.items():
        assert parameter["value"].startswith("${"), name
        assert "=" not in parameter["value"], name


@pytest.mark.parametrize("name", sorted(parameter["value"].strip("${}") for parameter in PARAMETERS.values()))
def test_every_azd_variable_is_documented(name):
    """docs/deploy.md names it, but for the two that azd asks for by itself."""
    if name not in {"AZURE_ENV_NAME", "AZURE_LOCATION"}:
        assert name in (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
