#!/usr/bin/env python3
"""Sets jobs going again that got stuck, for the operator whom the alarm of the stream's on-failure queue calls.

A queued job gets the execution that the stream should have started; a running one whose execution has ended, or never was, is settled.
Both are what happens anyway, so that nothing is lost by doing it twice. Usage: redrive.py ENVIRONMENT [--older-than MINUTES], with the Python
of .cache/venvs/stack and credentials of the account that may read the job table, start executions and invoke settle-job.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from typing import Any, Iterator

import boto3

Json = dict[str, Any]


def main() -> int:
    options = arguments()
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = boto3.session.Session().region_name
    redrive = Redrive(options.environment, f"{region}:{account}")
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=options.older_than)
    for job in redrive.active_jobs():
        if datetime.datetime.fromisoformat(job["updated_at"]["S"]) < before:
            print(f"{job['id']['S']} attempt {job['attempt']['N']}: {redrive.set_going(job)}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", help="the template's Environment, e.g. prod")
    parser.add_argument("--older-than", type=float, default=30, metavar="MINUTES", help="leave jobs alone that changed since (default: 30)")
    return parser.parse_args()


class Redrive:
    def __init__(self, environment: str, place: str) -> None:
        self.table = f"ai_clipping_agent_jobs-{environment}"
        self.machine = f"arn:aws:states:{place}:stateMachine:clipwright-{environment}"
        self.settle_job = f"clipwright-{environment}-settle-job"
        self.dynamodb, self.states, self.functions = boto3.client("dynamodb"), boto3.client("stepfunctions"), boto3.client("lambda")

    def active_jobs(self) -> Iterator[Json]:
        """Jobs that are not at their end: those that the sparse index has."""
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.table, IndexName="owner-active"):
            for key in page["Items"]:
                job = self.dynamodb.get_item(TableName=self.table, Key={"id": key["id"]}, ConsistentRead=True)
                if "Item" in job:
                    yield job["Item"]

    def set_going(self, job: Json) -> str:
        job_id, attempt = job["id"]["S"], int(job["attempt"]["N"])
        name = f"{job_id}-{attempt}"
        state = self.state_of(name)
        if state == "RUNNING":
            return "its execution is at work, left alone"
        event = json.dumps({"job_id": job_id, "attempt": attempt})
        if job["status"]["S"] == "queued" and state is None:
            self.states.start_execution(stateMachineArn=self.machine, name=name, input=event)
            return "execution started"
        answer = json.load(self.functions.invoke(FunctionName=self.settle_job, Payload=event)["Payload"])
        return f"settled: {answer}"

    def state_of(self, name: str) -> str | None:
        execution = self.machine.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            return self.states.describe_execution(executionArn=execution)["status"]
        except self.states.exceptions.ExecutionDoesNotExist:
            return None


if __name__ == "__main__":
    sys.exit(main())
