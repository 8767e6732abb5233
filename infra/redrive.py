#!/usr/bin/env python3
"""Sets jobs going again that got stuck, for the operator whom the alarm of the queue of undelivered messages calls, and empties that queue.

A queued job gets the execution that the stream should have started; a running one whose execution has ended, or never was, is settled. Records
of the stream that were not published are published, ends of executions that were not settled are. All of it is what happens anyway, so that
nothing is lost by doing it twice. Usage: redrive.py ENVIRONMENT [--older-than MINUTES], with the Python of .cache/venvs/stack and credentials of
the account that may read the job table and its stream, start executions, invoke settle-job and publish-events, and receive from the queue and
delete there. It ends with 1 where something is left to do.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from typing import Any, Iterator

import boto3
from botocore.exceptions import ClientError
from undelivered import Functions, NotDone, Undelivered

Json = dict[str, Any]


def main() -> int:
    options = arguments()
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = boto3.session.Session().region_name
    functions = Functions(options.environment)
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=options.older_than)
    all_go = Jobs(functions, f"{region}:{account}").set_going(before)
    left = Undelivered(functions).deal_with(before if all_go else None)
    return 0 if all_go and not left else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", help="the template's Environment, e.g. prod")
    parser.add_argument("--older-than", type=float, default=30, metavar="MINUTES", help="leave jobs alone that changed since (default: 30)")
    return parser.parse_args()


class Jobs:
    def __init__(self, functions: Functions, place: str) -> None:
        self.functions = functions
        self.table = f"ai_clipping_agent_jobs-{functions.environment}"
        self.machine = f"arn:aws:states:{place}:stateMachine:clipwright-{functions.environment}"
        self.dynamodb, self.states = boto3.client("dynamodb"), boto3.client("stepfunctions")

    def set_going(self, before: datetime.datetime) -> bool:
        """Every job that has not changed since; gives whether all could be."""
        all_go = True
        for job in self.active():
            if datetime.datetime.fromisoformat(job["updated_at"]["S"]) < before:
                try:
                    said = self.set_one_going(job)
                except (ClientError, NotDone) as error:
                    all_go, said = False, f"not set going: {error}"
                print(f"{job['id']['S']} attempt {job['attempt']['N']}: {said}")
        return all_go

    def active(self) -> Iterator[Json]:
        """Jobs that are not at their end: those that the sparse index has."""
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.table, IndexName="owner-active"):
            for key in page["Items"]:
                job = self.dynamodb.get_item(TableName=self.table, Key={"id": key["id"]}, ConsistentRead=True)
                if "active_owner" in job.get("Item", {}):
                    yield job["Item"]

    def set_one_going(self, job: Json) -> str:
        job_id, attempt = job["id"]["S"], int(job["attempt"]["N"])
        name, event = f"{job_id}-{attempt}", {"job_id": job_id, "attempt": attempt}
        state = self.state_of(name)
        if state == "RUNNING":
            return "its execution is at work, left alone"
        if job["status"]["S"] == "queued" and state is None:
            self.states.start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(event))
            return "execution started"
        return f"settled: {json.dumps(self.functions.call('settle-job', event))}"

    def state_of(self, name: str) -> str | None:
        execution = self.machine.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            return self.states.describe_execution(executionArn=execution)["status"]
        except self.states.exceptions.ExecutionDoesNotExist:
            return None


if __name__ == "__main__":
    sys.exit(main())
