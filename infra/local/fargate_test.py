import argparse
import contextlib
import io
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import fargate

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhook-AbCdEf"
CONTAINER = {
    "name": "worker",
    "command": ["task"],
    "environment": [{"name": "BUCKET", "value": "b"}, {"name": "ATTEMPT", "value": "0"}],
    "secrets": [{"name": "WEBHOOK_SECRET", "valueFrom": f"{ARN}:current::"}],
}
OVERRIDE = {"name": "worker", "environment": [{"name": "JOB_ID", "value": "j"}, {"name": "ATTEMPT", "value": "2"}]}


class Ecs:
    """Answers as ECS does for the one task there is, and remembers what was reported."""

    def __init__(self):
        self.desired, self.reported = "RUNNING", []

    def describe_tasks(self, **_):
        return {"tasks": [{"taskDefinitionArn": "d", "overrides": {"containerOverrides": [OVERRIDE]}}]}

    def describe_task_definition(self, **_):
        return {"taskDefinition": {"taskRoleArn": "role", "containerDefinitions": [CONTAINER]}}

    def submit_task_state_change(self, **change):
        self.reported.append(change)

    def get_paginator(self, _):
        return mock.Mock(paginate=lambda cluster, desiredStatus: [{"taskArns": ["cluster/t"] if desiredStatus == self.desired else []}])


class FargateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        folders = {"folder": self.folder, "logs": self.folder}
        options = argparse.Namespace(endpoint="http://127.0.0.1:1", cluster="c", worker=Path("/bin/echo"), tasks_at_once=1, **folders)
        self.fargate = fargate.Fargate(options)
        self.ecs = self.fargate.ecs = Ecs()
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        credentials = {"AccessKeyId": "key", "SecretAccessKey": "secret", "SessionToken": "token"}
        self.fargate.sts = mock.Mock(assume_role=lambda **_: {"Credentials": credentials})
        self.fargate.secrets = mock.Mock(get_secret_value=lambda SecretId: {"SecretString": json.dumps({"current": "s3cret"})})

    def worker(self, script):
        self.fargate.options.worker = self.folder / "worker"
        self.fargate.options.worker.write_text(f"#!/bin/sh\n{script}\n")
        self.fargate.options.worker.chmod(0o755)

    def until_stopped(self):
        for _ in range(200):
            self.fargate.turn()
            if self.ecs.reported and self.ecs.reported[-1]["status"] == "STOPPED":
                return self.ecs.reported[-1]
            fargate.time.sleep(0.02)
        self.fail("the task does not stop")

    def test_environment_is_that_of_definition_secrets_and_overrides(self):
        with mock.patch.dict(os.environ, {"AWS_PROFILE": "mine", "HOME": "/home/me", "SOMETHING": "else"}):
            environment = self.fargate.prepare("cluster/t").environment
        self.assertEqual("b", environment["BUCKET"])
        self.assertEqual("s3cret", environment["WEBHOOK_SECRET"])
        self.assertEqual("2", environment["ATTEMPT"], "an override wins")
        self.assertEqual("http://127.0.0.1:1", environment["AWS_ENDPOINT_URL"])
        self.assertEqual(("key", "token"), (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SESSION_TOKEN"]), "the role's")
        self.assertFalse({"AWS_PROFILE", "SOMETHING"} & environment.keys())
        self.assertNotEqual("/home/me", environment["HOME"])

    def test_a_task_that_ends_reports_its_exit_code_and_is_not_begun_again(self):
        self.worker("exit 3")
        report = self.until_stopped()
        self.assertEqual([{"containerName": "worker", "exitCode": 3, "status": "STOPPED"}], report["containers"])
        self.fargate.turn()
        self.assertEqual(["RUNNING", "STOPPED"], [change["status"] for change in self.ecs.reported])
        lines = [json.loads(line) for line in (self.folder / "tasks.jsonl").read_text().splitlines()]
        self.assertEqual([("running", "j", "2"), ("stopped", "j", "2")], [(line["status"], line["job_id"], line["attempt"]) for line in lines])

    def test_a_task_that_is_to_stop_gets_sigterm(self):
        self.worker("trap 'exit 7' TERM; while :; do sleep 0.05; done")
        self.fargate.turn()
        fargate.time.sleep(0.2)
        self.ecs.desired = "STOPPED"
        self.assertEqual(7, self.until_stopped()["containers"][0]["exitCode"])

    def test_one_that_does_not_listen_is_killed_after_its_stop_timeout(self):
        self.worker("trap '' TERM; while :; do sleep 0.05; done")
        with mock.patch.dict(CONTAINER, {"stopTimeout": 0}):
            self.fargate.turn()
            fargate.time.sleep(0.2)
            self.ecs.desired = "STOPPED"
            self.assertEqual(137, self.until_stopped()["containers"][0]["exitCode"])

    def test_a_worker_that_cannot_start_is_reported_without_an_exit_code(self):
        self.fargate.options.worker = self.folder / "missing"
        report = self.until_stopped()
        self.assertEqual([], report["containers"])
        self.assertIn("CannotStartContainerError", report["reason"])

    def test_a_task_stopped_before_it_started_never_runs(self):
        self.ecs.desired = "STOPPED"
        self.assertEqual([], self.until_stopped()["containers"])
        self.assertEqual(1, len(self.ecs.reported))


class PureTest(unittest.TestCase):
    def test_where_a_secret_ends_and_its_key_begins(self):
        for source, expected in [
            (ARN, (ARN, "")),
            (f"{ARN}:current::", (ARN, "current")),
            ("webhook", ("webhook", "")),
            ("webhook:current::", ("webhook", "current")),
        ]:
            self.assertEqual(expected, fargate.secret_and_key(source))

    def test_exit_codes_are_those_of_a_container(self):
        self.assertEqual([0, 3, 137, 143], [fargate.exit_code(code) for code in (0, 3, -9, -15)])


if __name__ == "__main__":
    unittest.main()
