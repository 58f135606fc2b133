"""The check finds faults: each of these is put into the real files, one at a time."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.bicep.check import check
from tests.infra.files import INFRA, sources


@dataclass(frozen=True, slots=True)
class Fault:
    """In the file, ``text`` becomes ``wrong`` where it stands first. ``told``: what is found."""

    file: str
    text: str
    wrong: str
    told: str


FAULTS = {
    # Syntax.
    "a missing brace": Fault("app/identity.bicep", "  tags: tags\n}", "  tags: tags\n", "no Bicep"),
    "a missing quote": Fault("main.bicep", "name: 'router'", "name: 'router", "no Bicep"),
    "another language": Fault("app/vault.bicep", "param name string", "name: string", "no Bicep"),
    # Properties of resources.
    "an unknown property": Fault(
        "app/storage.bicep", "kind: 'StorageV2'", "flavour: 'StorageV2'", "no property 'flavour'"
    ),
    "a misspelt property": Fault(
        "app/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeysAccess: false",
        "no property 'allowSharedKeysAccess'",
    ),
    "a misspelt property, deep": Fault(
        "app/api.bicep", "instanceMemoryMB:", "instanceMemoryMb:", "no property 'instanceMemoryMb'"
    ),
    "a property one level too high": Fault(
        "app/topic.bicep",
        "  properties: {\n    inputSchema: inputSchema",
        "  disableLocalAuth: true\n  properties: {\n    inputSchema: inputSchema",
        "no property 'disableLocalAuth'",
    ),
    "a missing property": Fault(
        "app/cosmos.bicep",
        "    databaseAccountOfferType: 'Standard'\n",
        "",
        "'databaseAccountOfferType' is missing",
    ),
    "a missing location": Fault(
        "app/identity.bicep", "  location: location\n", "", "'location' is missing"
    ),
    "a missing property of a discriminated object": Fault(
        "app/alerts.bicep",
        "            metricName: alert.metric\n",
        "",
        "'metricName' is missing",
    ),
    "a read-only property": Fault(
        "app/cosmos.bicep",
        "    disableLocalAuth: true",
        "    documentEndpoint: 'https://example.com'",
        "'documentEndpoint' is read-only",
    ),
    "a property twice": Fault(
        "app/vault.bicep",
        "    enableSoftDelete: true",
        "    enableSoftDelete: true\n    enableSoftDelete: true",
        "is there twice",
    ),
    # Types of values.
    "a text for a truth value": Fault(
        "app/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: 'false'",
        "expected bool",
    ),
    "a number for a text": Fault(
        "app/api.bicep", "version: '3.13'", "version: 3", "expected string"
    ),
    "an object for an array": Fault(
        "app/network.bicep",
        "addressPrefixes: ['10.0.0.0/16']",
        "addressPrefixes: { first: '10.0.0.0/16' }",
        "string[]",
    ),
    "an array of the wrong items": Fault(
        "app/private-endpoint.bicep", "groupIds: [groupId]", "groupIds: [1]", "expected string"
    ),
    "a parameter of the wrong type": Fault(
        "app/api.bicep", "param instanceMemory int", "param instanceMemory string", "expected int"
    ),
    "a wrong type in one branch": Fault(
        "app/storage.bicep",
        "publicNetworkAccess: isPublic ? 'Enabled' : 'Disabled'",
        "publicNetworkAccess: isPublic ? 'Enabled' : false",
        "not false",
    ),
    "a condition that is none": Fault(
        "app/router.bicep", "= if (privateNetwork) {", "= if (token) {", "expected bool"
    ),
    "a number out of range": Fault(
        "app/alerts.bicep",
        "      severity: alert.severity\n      enabled: true\n      scopes: [componentId]",
        "      severity: 5\n      enabled: true\n      scopes: [componentId]",
        "not within the limits",
    ),
    # Enumerations.
    "an unknown value": Fault("app/storage.bicep", "'TLS1_2'", "'TLS1.2'", "not 'TLS1.2'"),
    "an unknown value in a condition": Fault(
        "app/storage.bicep", "'Standard_ZRS'", "'Standard_ZSR'", "not 'Standard_ZSR'"
    ),
    "an unknown kind of a discriminated object": Fault(
        "subscriptions/webhook.bicep",
        "endpointType: 'WebHook'",
        "endpointType: 'Webhook'",
        "must be",
    ),
    "a default that is not allowed": Fault(
        "main.bicep",
        "param instanceMemory int = 2048",
        "param instanceMemory int = 1024",
        "not 1024",
    ),
    "a value that a module does not allow": Fault(
        "app/router.bicep",
        "    maxThroughput: cosmosMaxThroughput",
        "    maxThroughput: -1",
        "not within the limits",
    ),
    # Names.
    "an undefined name": Fault(
        "app/vault.bicep",
        "output name string = vault.name",
        "output name string = safe.name",
        "'safe' is not",
    ),
    "an undefined name within a text": Fault(
        "app/api.bicep", "ClientId=${identityClientId}", "ClientId=${clientId}", "'clientId' is not"
    ),
    "the name of a loop outside of it": Fault(
        "app/storage.bicep",
        "output name string = account.name",
        "output name string = role",
        "'role' is not",
    ),
    "an unknown member": Fault(
        "app/identity.bicep",
        "identity.properties.clientId",
        "identity.properties.clientID",
        "no member 'clientID'",
    ),
    "an unknown output of a module": Fault(
        "app/router.bicep",
        "storage.outputs.blobEndpoint",
        "storage.outputs.blobs",
        "no member 'blobs'",
    ),
    "an unknown function": Fault(
        "main.bicep", "toLower(uniqueString(", "lower(uniqueString(", "no function 'lower'"
    ),
    "too few arguments": Fault(
        "app/vault.bicep",
        "replace(newGuid(), '-', '')",
        "replace(newGuid(), '-')",
        "does not take 2",
    ),
    "two things of one name": Fault(
        "app/network.bicep",
        "param vaultId string",
        "param vaultId string\nparam name string",
        "twice",
    ),
    "an unused parameter": Fault(
        "app/identity.bicep",
        "param tags object",
        "param tags object\nparam sku string",
        "'sku' is not used",
    ),
    "an unused variable": Fault(
        "app/api.bicep", "var host = {", "var spare = 1\nvar host = {", "'spare' is not used"
    ),
    "an unused existing resource": Fault(
        "subscriptions/webhook.bicep",
        "resource topic",
        "resource other 'Microsoft.EventGrid/topics@2025-02-15' existing = {\n  name: 'x'\n}\n\n"
        "resource topic",
        "'other' is not used",
    ),
    "a variable of itself": Fault(
        "app/storage.bicep",
        "var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'",
        "var tableDataContributor = '${tableDataContributor}'",
        "defined by itself",
    ),
    # Resources, modules and files.
    "an unknown resource type": Fault(
        "app/topic.bicep",
        "'Microsoft.EventGrid/topics@2025-02-15'",
        "'Microsoft.EventGrid/topic@2025-02-15'",
        "no resource type",
    ),
    "an unknown version": Fault(
        "app/vault.bicep", "vaults@2024-11-01", "vaults@2024-11-31", "no resource type"
    ),
    "the wrong parent": Fault(
        "app/storage.bicep", "  parent: blobs", "  parent: account", "the parent must be"
    ),
    "a name without its parents": Fault(
        "app/topic.bicep",
        "'${storageAccountName}/default/${deadLetterContainer}'",
        "'${storageAccountName}/${deadLetterContainer}'",
        "3 segments",
    ),
    "a resource at the wrong scope": Fault(
        "app/identity.bicep",
        "param name string",
        "targetScope = 'subscription'\n\nparam name string",
        "not deployed to a Subscription",
    ),
    "an unknown module": Fault(
        "app/router.bicep", "'identity.bicep'", "'identities.bicep'", "no module"
    ),
    "a module from a registry": Fault(
        "app/router.bicep",
        "'identity.bicep'",
        "'br/public:avm/res/managed-identity/user-assigned-identity:0.4.1'",
        "no module",
    ),
    "an unknown parameter of a module": Fault(
        "app/router.bicep",
        "    purgeProtection: purgeProtection",
        "    purge: purgeProtection",
        "no property 'purge'",
    ),
    "a missing parameter of a module": Fault(
        "main.bicep", "    token: token\n", "", "'token' is missing"
    ),
    "a mistyped parameter of a module": Fault(
        "app/router.bicep", "isPublic: !privateNetwork", "isPublic: 'yes'", "expected bool"
    ),
    "a file that is not there": Fault(
        "app/cosmos.bicep", "'containers.json'", "'container.json'", "no file"
    ),
    "an unknown decorator": Fault(
        "app/vault.bicep", "@onlyIfNotExists()", "@onlyIfMissing()", "does not decorate"
    ),
    "a decorator of something else": Fault(
        "app/vault.bicep", "@onlyIfNotExists()", "@secure()", "does not decorate"
    ),
    "a value that changes with each deployment": Fault(
        "main.bicep",
        "uniqueString(subscription().id,",
        "uniqueString(newGuid(),",
        "default of a parameter",
    ),
    # What the check does not know it must not pass over.
    "an unknown part of the language": Fault(
        "app/identity.bicep",
        "param tags object",
        "param tags object\ntype t = string",
        "does not know",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_the_fault_is_found(fault: Fault) -> None:
    path = INFRA / fault.file
    files = dict(sources())
    assert fault.text in files[path]
    found = check({**files, path: files[path].replace(fault.text, fault.wrong, 1)})
    assert any(fault.told in finding.message for finding in found), list(map(str, found))


def test_a_finding_names_its_place() -> None:
    path = Path("main.bicep")
    (finding,) = check({path: "param name string\n\noutput other string = nam\nvar x = name\n"})[:1]
    assert str(finding) == "main.bicep:3:23: the name 'nam' is not declared"
