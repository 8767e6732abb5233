"""What of template.yaml MiniStack cannot take as it is: each adaptation a function with its reason. Nothing else of the template changes."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import re
import string
from pathlib import Path
from typing import Any, Iterator

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

Json = dict[str, Any]
# pinned, so that the emulator knows which port stands for which API before any is deployed
HTTP_API_ID = "00000a01"
REST_API_ID = "00000a02"
REALTIME_API_ID = "00000a03"
CODE_BUCKET = "local-code"
REGION = "us-east-1"


def adapted(template: Path, parameters: dict[str, str], events_address: str, realtime_address: str) -> Json:
    """The template as MiniStack can deploy it: transformed offline, then adapted."""
    source = yaml_parse(template.read_text(encoding="utf-8"))
    point_code_to_bucket(source)
    inline_state_machines(source, template.parent)
    os.environ["AWS_DEFAULT_REGION"] = REGION  # the transform asks for it
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    result = transform(source, parameters, NoManagedPolicies())
    result.pop("Transform", None)
    expand_http_apis(result)
    pin_rest_api(result)
    send_events_to(result, events_address)
    pin_realtime_api(result)
    connect_to(result, realtime_address)
    generate_without_punctuation(result)
    spell_secrets_as_ecs_does(result)
    drop_nat(result)
    allow_plain_http(result)
    return refer_to_secrets_by_arn(result)


class NoManagedPolicies:
    """The transform asks for AWS's managed policies by name; the template names single actions instead."""

    def load(self) -> dict[str, str]:
        return {}


def of_type(template: Json, kind: str) -> Iterator[tuple[str, Json]]:
    """Logical id and properties of each resource of a type."""
    for name, resource in list(template["Resources"].items()):
        if resource.get("Type") == kind:
            yield name, resource.setdefault("Properties", {})


def binaries(template: Path) -> list[str]:
    source = yaml_parse(template.read_text(encoding="utf-8"))
    return sorted(binary(resource) for resource in source["Resources"].values() if resource.get("Type") == "AWS::Serverless::Function")


def binary(function: Json) -> str:
    return function["Metadata"]["BuildProperties"]["Binary"]


def point_code_to_bucket(source: Json) -> None:
    """`sam package` would upload each function's code and put its address here."""
    for resource in source["Resources"].values():
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{CODE_BUCKET}/{binary(resource)}.zip"


def inline_state_machines(source: Json, folder: Path) -> None:
    """`sam package` would upload the definition; here it is put in as an object."""
    for _, properties in of_type(source, "AWS::Serverless::StateMachine"):
        if isinstance(file := properties.get("DefinitionUri"), str):
            del properties["DefinitionUri"]
            properties["Definition"] = json.loads((folder / file).read_text(encoding="utf-8"))


# --- HTTP API: MiniStack ignores `Body`, so its routes, integrations and authorizers become resources


def expand_http_apis(template: Json) -> None:
    for name, api in of_type(template, "AWS::ApiGatewayV2::Api"):
        body = api.pop("Body", None)
        if body is None:
            continue
        api.pop("FailOnWarnings", None)
        api.setdefault("ProtocolType", "HTTP")
        api.setdefault("Name", (body.get("info") or {}).get("title", name))
        api["Tags"] = {**api.get("Tags", {}), "ms-custom-id": HTTP_API_ID}
        # MiniStack reads these names as the API of API Gateway has them, not as CloudFormation has them
        if cors := body.get("x-amazon-apigateway-cors"):
            api["CorsConfiguration"] = cors
        template["Resources"].update(authorizers(name, body))
        template["Resources"].update(routes(name, body))


def authorizers(api: str, body: Json) -> Json:
    resources = {}
    for name, scheme in (body.get("components", {}).get("securitySchemes") or {}).items():
        settings = scheme["x-amazon-apigateway-authorizer"]
        jwt = settings["jwtConfiguration"]
        resources[authorizer_id(api, name)] = {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                "ApiId": {"Ref": api},
                "Name": name,
                "AuthorizerType": "JWT",
                "IdentitySource": [settings["identitySource"]],
                "JwtConfiguration": {"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
            },
        }
    return resources


def authorizer_id(api: str, name: str) -> str:
    return f"{api}{name}LocalAuthorizer"


def routes(api: str, body: Json) -> Json:
    resources: Json = {}
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            integration = operation.get("x-amazon-apigateway-integration")
            if not integration:
                continue
            key = path.strip("/") if path == "/$default" else f"{'ANY' if method.startswith('x-') else method.upper()} {path}"
            target = f"{api}Local{digest(integration['uri'])}"
            resources[target] = lambda_integration(api, integration)
            security = operation.get("security", body.get("security")) or []
            resources[f"{api}Local{digest(key)}"] = route(api, key, target, security)
    return resources


def lambda_integration(api: str, integration: Json) -> Json:
    properties = {
        "ApiId": {"Ref": api},
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": integration["uri"],
        "PayloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
    }
    return {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}


def route(api: str, key: str, target: str, security: list[Json]) -> Json:
    properties: Json = {"ApiId": {"Ref": api}, "RouteKey": key, "Target": {"Fn::Sub": f"integrations/${{{target}}}"}}
    for name, scopes in (security[0] if security else {}).items():
        if name != "NONE":
            properties |= {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": authorizer_id(api, name)}, "AuthorizationScopes": scopes}
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


# --- the rest


def pin_rest_api(template: Json) -> None:
    """So that its port is known before it is deployed. There is one REST API: the private one for events."""
    for _, api in of_type(template, "AWS::ApiGateway::RestApi"):
        api["Tags"] = [*api.get("Tags", []), {"Key": "ms-custom-id", "Value": REST_API_ID}]


def send_events_to(template: Json, address: str) -> None:
    """The worker reaches the private API through a VPC endpoint's host name, which does not exist here: only the host is replaced."""
    for _, task in of_type(template, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            for variable in container.get("Environment", []):
                if variable["Name"] == "API_BASE_URL":
                    variable["Value"] = with_host(variable["Value"], address)


def pin_realtime_api(template: Json) -> None:
    for _, api in of_type(template, "AWS::ApiGatewayV2::Api"):
        if api.get("ProtocolType") == "WEBSOCKET":
            api["Tags"] = {**api.get("Tags", {}), "ms-custom-id": REALTIME_API_ID}


def connect_to(template: Json, address: str) -> None:
    """The WebSocket API has no host name of its own here either."""
    for _, function in of_type(template, "AWS::Lambda::Function"):
        variables = function.get("Environment", {}).get("Variables", {})
        if "REALTIME_URL" in variables:
            variables["REALTIME_URL"] = with_host(variables["REALTIME_URL"], address)


def with_host(value: Any, address: str) -> Any:
    if isinstance(value, str):
        return re.sub(r"^(https|wss)://[^/]*", address, value)
    changed = copy.deepcopy(value)
    sub = changed["Fn::Sub"]
    if isinstance(sub, list):
        sub[0] = with_host(sub[0], address)
    else:
        changed["Fn::Sub"] = with_host(sub, address)
    return changed


def generate_without_punctuation(template: Json) -> None:
    """MiniStack overlooks ExcludePunctuation, and a signing secret with punctuation is no base64."""
    for _, secret in of_type(template, "AWS::SecretsManager::Secret"):
        settings = secret.get("GenerateSecretString")
        if settings and settings.get("ExcludePunctuation"):
            settings["ExcludeCharacters"] = settings.get("ExcludeCharacters", "") + string.punctuation


def spell_secrets_as_ecs_does(template: Json) -> None:
    """MiniStack keeps the members of a container's `Secrets` as CloudFormation spells them, and DescribeTaskDefinition then shows none."""
    for _, task in of_type(template, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            container["Secrets"] = [{"name": each["Name"], "valueFrom": each["ValueFrom"]} for each in container.get("Secrets", [])]


def drop_nat(template: Json) -> None:
    """MiniStack knows neither NAT gateways nor their addresses; nothing here goes through one. The routes through it go too."""
    resources = template["Resources"]
    dropped = {name for name, resource in resources.items() if resource["Type"] in ("AWS::EC2::NatGateway", "AWS::EC2::EIP")}
    dropped |= {name for name, route in of_type(template, "AWS::EC2::Route") if route.get("NatGatewayId", {}).get("Ref") in dropped}
    template["Resources"] = {name: resource for name, resource in resources.items() if name not in dropped}


def allow_plain_http(template: Json) -> None:
    """On loopback there is no TLS, and the bucket's policy denies everything without it."""
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    for name, policy in of_type(template, "AWS::S3::BucketPolicy"):
        left = [statement for statement in policy["PolicyDocument"]["Statement"] if statement.get("Condition") != without_tls]
        policy["PolicyDocument"]["Statement"] = left
        if not left:
            del template["Resources"][name]


def refer_to_secrets_by_arn(template: Json) -> Json:
    """A reference to a secret is its ARN; with MiniStack it is the name, which policies do not know."""
    secrets = [name for name, _ in of_type(template, "AWS::SecretsManager::Secret")]
    text = json.dumps(template)
    for name in secrets:
        text = text.replace(json.dumps({"Ref": name}), json.dumps({"Fn::GetAtt": [name, "Id"]})).replace(f"${{{name}}}", f"${{{name}.Id}}")
    return json.loads(text)
