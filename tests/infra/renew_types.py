"""Write the resource types anew: `python -m tests.infra.renew_types <path of azmcp>`.

The command comes with the package `msmcp-azure` and prints the types from which Bicep itself knows
what a resource may have. Needed only for another resource type or a newer version of one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from tests.infra.bicep.resource_types import FOLDER

NAMES = (
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    "Microsoft.EventGrid/topics",
    "Microsoft.EventGrid/topics/eventSubscriptions",
    "Microsoft.Insights/components",
    "Microsoft.Insights/workbooks",
    "Microsoft.KeyVault/vaults",
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/queueServices/queues",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
)


def renew(azmcp: str) -> None:
    for name in NAMES:
        path = FOLDER / "microsoft" / f"{name.replace('/', '.')}.json"
        path.write_text(dumped(reduced(printed(azmcp, name))), encoding="utf-8")


def printed(azmcp: str, name: str) -> list[dict[str, Any]]:
    command = [azmcp, "bicepschema", "get", "--resource-type", name]
    environment = os.environ | {"AZURE_MCP_COLLECT_TELEMETRY": "false"}
    run = subprocess.run(command, env=environment, capture_output=True, check=True)
    types: list[dict[str, Any]] = json.loads(run.stdout)["results"]["BicepSchemaResult"]
    return types


def reduced(types: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Without descriptions, functions and what the resource does not lead to."""
    named = {type["name"]: type for type in types}
    resource = next(type for type in types if type["$type"] == "Resource")
    body = _object(resource["bodyType"])
    kept: dict[str, Any] = {}
    _keep(body, named, kept)
    return {
        "name": resource["name"],
        "scope": resource["writableScopes"],
        "body": body,
        "objects": dict(sorted(kept.items())),
    }


def dumped(type: Mapping[str, Any]) -> str:
    """One object a line, so that a renewal shows what changed."""
    objects = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in type["objects"].items()
    )
    head = ",\n".join(
        f"{json.dumps(key)}: {json.dumps(type[key])}" for key in ("name", "scope", "body")
    )
    return f'{{\n{head},\n"objects": {{\n{objects}\n}}\n}}\n'


def _object(type: Mapping[str, Any]) -> dict[str, Any]:
    if type["$type"] == "DiscriminatedObject":
        return {
            "properties": _properties(type["baseProperties"]),
            "discriminator": type["discriminator"],
            "elements": [_object(element) for element in type["elements"]],
        }
    made = {"properties": _properties(type["properties"])}
    if more := type.get("additionalPropertiesType"):
        made["additional"] = more
    return made


def _properties(properties: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """Type, flags, modifiers; the last ones are left out where they are empty."""
    return {property["name"]: _property(property) for property in properties}


def _property(property: Mapping[str, str]) -> list[str]:
    parts = [property["type"], property.get("flags", ""), property.get("modifiers", "")]
    while not parts[-1]:
        parts.pop()
    return parts


def _keep(object: Mapping[str, Any], named: Mapping[str, Any], kept: dict[str, Any]) -> None:
    for name in _mentioned(object):
        if name in named and name not in kept:
            kept[name] = _object(named[name])
            _keep(kept[name], named, kept)


def _mentioned(object: Mapping[str, Any]) -> set[str]:
    texts = [parts[0] for parts in object["properties"].values()]
    texts += [object["additional"]] if "additional" in object else []
    names = {part.strip("[]") for text in texts for part in text.split(" | ")}
    return names.union(*(_mentioned(element) for element in object.get("elements", ())))


if __name__ == "__main__":
    renew(*sys.argv[1:])
