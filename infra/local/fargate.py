#!/usr/bin/env python3
"""Stands in for Fargate: runs the worker as a process for each task that RunTask made, and reports over ECS's agent API what becomes of it.

As Fargate does: environment from task definition, secrets and overrides and nothing else of this machine; a disk of its own for each
task; SIGTERM when the task is to stop, SIGKILL after `stopTimeout`; exit code 128 + n for a signal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import adapt
import deploy
from processes import MARK

Json = dict[str, Any]
POLL_SECONDS = 0.25
STOP_TIMEOUT_SECONDS = 30
# longer than any task: Fargate would renew them
ROLE_SECONDS = 12 * 3600
# of this machine, a task sees only these: the folders of the programs that its image would hold, and the mark that it ends by
INHERITED = ("PATH", "CLIPWRIGHT_HOME", "RUST_BACKTRACE", MARK)


class LaunchError(Exception):
    """The task cannot start; the message becomes its `stoppedReason`."""


@dataclass
class Task:
    arn: str
    container: Json
    environment: dict[str, str]
    disk: Path
    log: Path
    process: subprocess.Popen | None = None
    kill_at: float | None = None
    labels: Json = field(default_factory=dict)


class Fargate:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ecs = deploy.client("ecs", options.endpoint)
        self.secrets = deploy.client("secretsmanager", options.endpoint)
        self.sts = deploy.client("sts", options.endpoint)
        self.running: dict[str, Task] = {}
        self.finished: set[str] = set()

    def turn(self) -> None:
        """One look at what is wanted and what is."""
        wanted = self.tasks("RUNNING")
        for arn in set(self.tasks("STOPPED")) - self.running.keys():
            self.report_stopped(arn, None, None, "Task was stopped before it started")
        for task in list(self.running.values()):
            if task.process.poll() is not None:
                self.finish(task)
            elif task.arn not in wanted:
                self.stop(task)
        for arn in wanted:
            if arn not in self.running and arn not in self.finished and len(self.running) < self.options.tasks_at_once:
                self.launch(arn)

    def tasks(self, desired: str) -> list[str]:
        pages = self.ecs.get_paginator("list_tasks").paginate(cluster=self.options.cluster, desiredStatus=desired)
        return [arn for page in pages for arn in page["taskArns"] if arn not in self.finished]

    def launch(self, arn: str) -> None:
        try:
            task = self.prepare(arn)
            command = [str(self.options.worker), *task.container.get("command", [])]
            with task.log.open("ab") as log:
                streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
                task.process = subprocess.Popen(command, env=task.environment, cwd=task.disk, start_new_session=True, **streams)
        except Exception as error:  # whatever is wrong with this task, others go on
            self.report_stopped(arn, None, None, f"CannotStartContainerError: {error!r}")
            return
        self.running[arn] = task
        self.ecs.submit_task_state_change(cluster=self.options.cluster, task=arn, status="RUNNING")
        self.note(task, "running", pid=task.process.pid)

    def prepare(self, arn: str) -> Task:
        described = self.ecs.describe_tasks(cluster=self.options.cluster, tasks=[arn])["tasks"][0]
        definition = self.ecs.describe_task_definition(taskDefinition=described["taskDefinitionArn"])["taskDefinition"]
        container = definition["containerDefinitions"][0]
        override = override_of(container["name"], described)
        name = arn.rsplit("/", 1)[-1]
        disk = self.options.folder / "disks" / name
        disk.mkdir(parents=True)
        variables = named(container.get("environment", [])) | self.secret_values(container) | named(override.get("environment", []))
        labels = {"task": name, "job_id": variables.get("JOB_ID"), "attempt": variables.get("ATTEMPT")}
        environment = variables | self.credentials(definition["taskRoleArn"], name) | inherited() | {"TMPDIR": str(disk), "HOME": str(disk)}
        container = container | {key: value for key, value in override.items() if key == "command"}
        return Task(arn, container, environment, disk, self.options.logs / f"task-{name}.log", labels=labels)

    def credentials(self, role: str, session: str) -> dict[str, str]:
        """Those of the task's role: the worker has just the powers that the template gives it."""
        given = self.sts.assume_role(RoleArn=role, RoleSessionName=session, DurationSeconds=ROLE_SECONDS)["Credentials"]
        return {
            "AWS_ENDPOINT_URL": self.options.endpoint,
            "AWS_REGION": adapt.REGION,
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def secret_values(self, container: Json) -> dict[str, str]:
        return {each["name"]: self.secret_value(each["valueFrom"]) for each in container.get("secrets", [])}

    def secret_value(self, source: str) -> str:
        secret, key = secret_and_key(source)
        try:
            text = self.secrets.get_secret_value(SecretId=secret)["SecretString"]
            return json.loads(text)[key] if key else text
        except Exception as error:
            raise LaunchError(f"ResourceInitializationError: unable to read the secret {source}: {error}") from error

    def stop(self, task: Task) -> None:
        if task.kill_at is None:
            task.kill_at = time.monotonic() + task.container.get("stopTimeout", STOP_TIMEOUT_SECONDS)
            task.process.send_signal(signal.SIGTERM)
            self.note(task, "stopping")
        elif time.monotonic() > task.kill_at:
            os.killpg(task.process.pid, signal.SIGKILL)

    def finish(self, task: Task) -> None:
        end_group(task.process.pid)
        code = exit_code(task.process.returncode)
        del self.running[task.arn]
        shutil.rmtree(task.disk, ignore_errors=True)
        self.note(task, "stopped", exit_code=code)
        self.report_stopped(task.arn, task.container["name"], code, f"Essential container in task exited ({code})")

    def report_stopped(self, arn: str, container: str | None, code: int | None, reason: str) -> None:
        containers = [{"containerName": container, "exitCode": code, "status": "STOPPED"}] if container else []
        self.ecs.submit_task_state_change(cluster=self.options.cluster, task=arn, status="STOPPED", reason=reason, containers=containers)
        self.finished.add(arn)
        print(f"{arn}: {reason}", flush=True)

    def note(self, task: Task, status: str, **more: Any) -> None:
        """A line in tasks.jsonl, so that a test finds the process of a job's attempt."""
        line = {**task.labels, "status": status, "time": time.time(), "log": str(task.log), **more}
        with (self.options.folder / "tasks.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def named(pairs: list[Json]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in pairs}


def override_of(container: str, described: Json) -> Json:
    overrides = described.get("overrides", {}).get("containerOverrides", [])
    return next((each for each in overrides if each.get("name") == container), {})


def secret_and_key(source: str) -> tuple[str, str]:
    """`secret:json-key:stage:version`, where the secret is a name or an ARN; the last three may be empty or missing."""
    parts = source.split(":")
    length = 7 if source.startswith("arn:") else 1
    return ":".join(parts[:length]), (parts[length:] + [""])[0]


def inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def exit_code(returned: int) -> int:
    return 128 - returned if returned < 0 else returned


def end_group(leader: int) -> None:
    """What a worker leaves running ends with it, as it would with its container."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--worker", type=Path, required=True)
    parser.add_argument("--tasks-at-once", type=int, default=2)
    parser.add_argument("--folder", type=Path, required=True, help="for the tasks' disks and tasks.jsonl")
    parser.add_argument("--logs", type=Path, required=True)
    fargate = Fargate(parser.parse_args())
    while True:
        fargate.turn()
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
