"""Deploys the adapted template onto MiniStack and puts in what an operator would: the code, a service key."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import adapt
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

Json = dict[str, Any]
ACCOUNT_KEY = SECRET = "test"
STACK = "clipwright"
TENANT = "local"


class DeployError(Exception):
    """The stack could not be created; the message says which resource and why."""


def client(service: str, endpoint: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": ACCOUNT_KEY, "aws_secret_access_key": SECRET}
    return boto3.client(service, endpoint_url=endpoint, region_name=adapt.REGION, config=config, **keys)


def upload_code(endpoint: str, names: list[str], functions: Path) -> None:
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=adapt.CODE_BUCKET)
    for name in names:
        s3.put_object(Bucket=adapt.CODE_BUCKET, Key=f"{name}.zip", Body=code(functions / name))


def code(folder: Path) -> bytes:
    """What `cargo lambda build` left: a zip, or the bare binary."""
    if (packed := folder / "bootstrap.zip").is_file():
        return packed.read_bytes()
    if not (binary := folder / "bootstrap").is_file():
        raise DeployError(f"{folder} has neither bootstrap.zip nor bootstrap: build the functions first")
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        archive.writestr(entry, binary.read_bytes())
    return result.getvalue()


def create_stack(endpoint: str, template: Json, parameters: dict[str, str]) -> Json:
    """Creates the stack and gives its resources: logical id to physical id."""
    client("s3", endpoint).put_object(Bucket=adapt.CODE_BUCKET, Key="template.json", Body=json.dumps(template).encode())
    cloudformation = client("cloudformation", endpoint)
    try:
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=f"{endpoint}/{adapt.CODE_BUCKET}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            OnFailure="DO_NOTHING",
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})
    except WaiterError as error:
        raise DeployError(reasons(cloudformation) or str(error)) from error
    except ClientError as error:
        raise DeployError(str(error)) from error
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}


def reasons(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)


def add_service_key(endpoint: str, secret: str, key: str) -> None:
    """Lets `key` in as the tenant `local`; the secret holds only its hash."""
    value = json.dumps({TENANT: hashlib.sha256(key.encode()).hexdigest()})
    client("secretsmanager", endpoint).put_secret_value(SecretId=secret, SecretString=value)


def invoke(endpoint: str, function: str) -> None:
    """Asks for a run of a function and does not wait for its end."""
    client("lambda", endpoint).invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")


def function_environment(endpoint: str, functions: list[str]) -> dict[str, str]:
    """The variables of all functions together, with what finds these services: for running a function outside the stack."""
    lambdas = client("lambda", endpoint)
    variables = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": adapt.REGION, "AWS_ACCESS_KEY_ID": ACCOUNT_KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    for name in functions:
        variables |= lambdas.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
    return variables
