"""Plays a deployment of infra/main.bicep on paper: which resources these parameters would ask Azure for.

What Azure makes up itself (ids, endpoints, object ids) is made up here, in `_made_up`. Nothing is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import yaml
from bicep_expressions import NotUnderstoodError, evaluate, parse, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import tree_sitter

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "infra" / "main.bicep"
FILES = sorted((ROOT / "infra").rglob("*.bicep"))

REGISTRATIONS = ROOT / "infra" / "registrations" / "main.bicep"
"""A deployment of its own, by Bicep's extension for Microsoft Graph."""

GIVEN = {
    "environmentName": "test",
    "location": "westeurope",
    "readerClientId": "11111111-0000-4000-8000-000000000000",
    "writerClientId": "22222222-0000-4000-8000-000000000000",
}
"""The parameters that have no default."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource that would be asked for. `body` is what stands in its braces, except parent and scope."""

    symbol: str
    type: str
    api_version: str
    body: dict[str, Any]
    parent: str | None  # id
    scope: str | None  # id
    id: str

    @property
    def name(self) -> str:
        """Its last name, without its parents'."""
        return str(self.body["name"])

    @property
    def properties(self) -> dict[str, Any]:
        """What describes it."""
        properties: dict[str, Any] = self.body["properties"]
        return properties


@dataclass(frozen=True, slots=True)
class Deployment:
    """All that a deployment would ask for, and its outputs."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Any]

    def of(self, resource_type: str) -> list[Resource]:
        """The resources of one type."""
        return [resource for resource in self.resources if resource.type == resource_type]

    def one(self, resource_type: str) -> Resource:
        """The only resource of its type."""
        (resource,) = self.of(resource_type)
        return resource


def deploy(main: Path = MAIN, **parameters: Any) -> Deployment:
    """Play the deployment of `main` with `parameters` besides the ones in GIVEN."""
    return _deploy(main, {**GIVEN, **parameters})


def deploy_registrations(**parameters: Any) -> Deployment:
    """Play the deployment of the app registrations."""
    return _deploy(REGISTRATIONS, parameters)


def _deploy(main: Path, parameters: Mapping[str, Any]) -> Deployment:
    resources: list[Resource] = []
    outputs = _Module(main, resources).run(parameters)
    return Deployment(tuple(resources), outputs)


def deploy_targets(folder: Path, *names: str, **parameters: Any) -> Deployment:
    """Play the deployment of a copy of infra/ in `folder`, beside a sync.yaml with targets of these names."""
    copytree(ROOT / "infra", folder / "infra")
    sync = {"targets": [{"name": name} for name in names]}
    (folder / "sync.yaml").write_text(yaml.safe_dump(sync), encoding="utf-8")
    return deploy(folder / "infra" / "main.bicep", **parameters)


def default_of(parameter: str) -> Any:
    """The default of a parameter of main.bicep."""
    return _Module(MAIN, []).default(parameter)


class _Module:
    def __init__(self, path: Path, resources: list[Resource]) -> None:
        self._path = path
        self._resources = resources
        self._names: dict[str, Any] = {}
        self._declarations = parse(path).named_children

    def default(self, parameter: str) -> Any:
        for node in self._declarations:
            if node.type == "parameter_declaration" and text(node.named_children[0]) == parameter:
                return self._value(node.named_children[2])
        raise KeyError(parameter)

    def run(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Declarations stand in the order in which they are needed; evaluating proves it."""
        outputs = {}
        declared = set()
        for node in self._declarations:
            match node.type:
                case "parameter_declaration":
                    name = text(node.named_children[0])
                    declared.add(name)
                    has_default = len(node.named_children) > 2
                    self._names[name] = (
                        parameters[name]
                        if name in parameters or not has_default
                        else self._value(node.named_children[2])
                    )
                case "variable_declaration":
                    self._names[text(node.named_children[0])] = self._value(node.named_children[1])
                case "resource_declaration" | "module_declaration":
                    self._declare(node)
                case "output_declaration":
                    outputs[text(node.named_children[0])] = self._value(node.named_children[2])
                case "target_scope_assignment" | "decorators" | "comment":
                    pass
                case _:
                    raise NotUnderstoodError(text(node))
        if unknown := set(parameters) - declared:
            raise NotUnderstoodError(f"{self._path.name} has no parameter {unknown}")
        return outputs

    def _value(self, node: tree_sitter.Node, names: Mapping[str, Any] | None = None) -> Any:
        return evaluate(node, {**self._names, **(names or {})}, self._path.parent)

    def _declare(self, node: tree_sitter.Node) -> None:
        symbol, kind, body = (part for part in node.named_children if part.type != "comment")
        existing = any(part.type == "existing" or text(part) == "existing" for part in node.children)
        made = [
            self._make(text(symbol), self._value(kind), inner, names, existing) for inner, names in self._bodies(body)
        ]
        if body.type == "for_statement":
            self._names[text(symbol)] = made
        else:
            self._names[text(symbol)] = made[0] if made else None  # None: its condition does not hold

    def _bodies(self, body: tree_sitter.Node) -> Iterator[tuple[tree_sitter.Node, dict[str, Any]]]:
        """The braces, as often as a loop or a condition wants them, with the loop's names."""
        match body.type:
            case "object":
                yield body, {}
            case "if_statement":
                condition, inner = body.named_children
                if self._value(condition):
                    yield inner, {}
            case "for_statement":
                variables, array, inner = body.named_children
                item, *index = [text(part) for part in variables.named_children] or [text(variables)]
                for at, element in enumerate(self._value(array)):
                    yield inner, {item: element, **dict.fromkeys(index, at)}
            case _:
                raise NotUnderstoodError(text(body))

    def _make(
        self, symbol: str, kind: str, body: tree_sitter.Node, names: Mapping[str, Any], existing: bool
    ) -> dict[str, Any]:
        content = self._value(body, names)
        if kind.endswith(".bicep"):
            return {"outputs": _Module(self._path.parent / kind, self._resources).run(content["params"])}
        resource_type, api_version = kind.split("@")
        if resource_type.startswith("Microsoft.Graph/"):
            return self._make_in_graph(symbol, resource_type, api_version, content, existing)
        parent, scope = content.pop("parent", None), content.pop("scope", None)
        content.pop("dependsOn", None)
        kind_in_id = f"{parent['id']}/{resource_type.rpartition('/')[2]}" if parent else resource_type
        resource_id = f"{kind_in_id}/{content['name']}"
        if not existing:
            self._resources.append(
                Resource(
                    symbol,
                    resource_type,
                    api_version,
                    content,
                    parent and parent["id"],
                    scope and scope["id"],
                    resource_id,
                )
            )
        return {"id": resource_id, "name": content["name"], "properties": _made_up(resource_type, content["name"])}

    def _make_in_graph(
        self, symbol: str, kind: str, version: str, content: dict[str, Any], existing: bool
    ) -> dict[str, Any]:
        """An object of the directory: its properties stand in its braces, and `uniqueName` is its key."""
        key = content.get("uniqueName") or content.get("name") or content.get("appId") or content["appRoleId"]
        object_id = f"object-id-of-{key}"
        if not existing:
            self._resources.append(Resource(symbol, kind, version, content, None, None, object_id))
        return {"appId": f"client-id-of-{key}", **content, "id": object_id}


def _made_up(resource_type: str, name: str) -> dict[str, Any]:
    """What Azure adds to a resource when it makes it, as far as our files ask for it."""
    match resource_type:
        case "Microsoft.ManagedIdentity/userAssignedIdentities":
            return {"clientId": "client-id-of-the-identity", "principalId": "object-id-of-the-identity"}
        case "Microsoft.Storage/storageAccounts":
            hosts = {service: f"https://{name}.{service}.core.windows.net/" for service in ("blob", "table")}
            return {"primaryEndpoints": hosts}
        case "Microsoft.ServiceBus/namespaces":
            return {"serviceBusEndpoint": f"https://{name}.servicebus.windows.net:443/"}
        case "Microsoft.Insights/components":
            return {"ConnectionString": "InstrumentationKey=0;IngestionEndpoint=https://insights.invalid/"}
        case "Microsoft.Insights/dataCollectionRules":
            endpoint = f"https://{name}.ingest.monitor.azure.com"
            return {"immutableId": f"immutable-id-of-{name}", "endpoints": {"logsIngestion": endpoint}}
        case "Microsoft.Web/sites":
            return {"defaultHostName": f"{name}.azurewebsites.net"}
    return {}
