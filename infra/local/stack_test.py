"""The whole stack, with the real template; functions and worker are small stand-ins, so that nothing needs to be built first."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

if importlib.util.find_spec("ministack") is None:
    raise unittest.SkipTest("needs the environment of the local stack")

import adapt
import deploy
import processes

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
# answers every event with what it got; for records of the stream it also starts their executions
FUNCTION = f"""#!{sys.executable}
import json, os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    answer = urllib.request.urlopen(base + "next")
    event, id = json.load(answer), answer.headers["Lambda-Runtime-Aws-Request-Id"]
    print(json.dumps(event), flush=True)
    for record in event.get("Records", []):
        import boto3
        job = record["dynamodb"]["NewImage"]
        input = {{"job_id": job["id"]["S"], "attempt": int(job["attempt"]["N"])}}
        name = "{{job_id}}-{{attempt}}".format(**input)
        boto3.client("stepfunctions").start_execution(stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=name, input=json.dumps(input))
    result = {{"statusCode": 200, "body": json.dumps(event)}} if "requestContext" in event else {{}}
    urllib.request.urlopen(urllib.request.Request(base + id + "/response", data=json.dumps(result).encode())).read()
"""
# does as the job's id says
WORKER = """#!/bin/sh
env
case "$JOB_ID" in
    quick*) exit 0 ;;
    crash*) kill -9 $$ ;;
    *) while :; do sleep 0.1; done ;;
esac
"""


def executable(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


class Running:
    """The stack as a program of its own, up when this is made."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.json, self.output = folder / "stack.json", folder / "output"
        for name in adapt.binaries(TEMPLATE):
            executable(folder / "functions" / name / "bootstrap", FUNCTION)
        worker = executable(folder / "worker", WORKER)
        command = [sys.executable, str(Path(__file__).with_name("stack.py")), "up", f"--json={self.json}", f"--worker={worker}"]
        command += [f"--functions={folder / 'functions'}", f"--logs={folder / 'logs'}", *more]
        self.before = in_temporary_folder()
        self.own = [folder / "home", folder / "tmp"]
        for each in self.own:
            each.mkdir()
        environment = os.environ | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        until(lambda: self.json.exists() or self.process.poll() is not None, 60)
        if not self.json.exists():
            raise AssertionError(self.output.read_text())
        self.addresses = json.loads(self.json.read_text())
        lines = Path(f"/proc/{self.addresses['pids']['emulator']}/environ").read_text().split("\0")
        self.environment = dict(line.partition("=")[::2] for line in lines)
        self.mark = self.environment[processes.MARK]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def leftovers(self) -> list[Path]:
        """Files in its home and its temporary folder, and those of MiniStack in the one that it has of itself."""
        return [file for folder in self.own for file in folder.rglob("*")] + sorted(in_temporary_folder() - self.before)

    def client(self, service: str):
        return deploy.client(service, self.addresses["endpoint"])

    def queue(self, job: str) -> str:
        """A queued job in the table, as submit-job would write it; gives its execution."""
        item = {"id": {"S": job}, "status": {"S": "queued"}, "attempt": {"N": "1"}}
        self.client("dynamodb").put_item(TableName=self.addresses["jobs_table"], Item=item)
        return f"{self.addresses['state_machine'].replace(':stateMachine:', ':execution:')}:{job}-1"

    def tasks(self, job: str) -> list:
        file = Path(self.addresses["tasks"])
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [line for line in lines if line["job_id"] == job]

    def log(self, function: str) -> str:
        """What the function with that binary wrote."""
        physical = next(physical for name, physical in self.addresses["functions"].items() if function.replace("-", "") in name.lower())
        file = Path(self.addresses["logs"]) / "functions" / f"{physical}.log"
        return file.read_text() if file.exists() else ""


def in_temporary_folder() -> set[Path]:
    """What MiniStack leaves below /tmp, whatever TMPDIR says; other stacks have their own folders there."""
    return {file for found in Path("/tmp").glob("ministack*") for file in (found, *found.rglob("*"))}


def until(condition, seconds: float = 20):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.05)
    return value


def fetch(address: str, token: str | None = None, method: str = "GET") -> int:
    request = urllib.request.Request(address, method=method, data=b"{}" if method == "POST" else None)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def listening_ports(pid: int) -> set[str]:
    """Local addresses that any process of that process group listens at, as /proc/net shows them."""
    sockets = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


@unittest.skipUnless(TEMPLATE.exists(), "needs template.yaml")
class StackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.stack = Running(Path(cls.folder.name))
        cls.addClassCleanup(cls.stack.stop)

    def describe(self, execution):
        try:
            return self.stack.client("stepfunctions").describe_execution(executionArn=execution)
        except Exception:  # not begun yet
            return {"status": "RUNNING"}

    def end(self, execution):
        until(lambda: self.describe(execution)["status"] != "RUNNING", 30)
        return self.describe(execution)["status"]

    def test_paths_answer_with_and_without_their_prefix_and_only_to_whom_they_are_for(self):
        addresses = self.stack.addresses
        for prefix in ("", "/api"):
            jobs = f"{addresses['api']}{prefix}/ai-clipping-agent/jobs"
            self.assertEqual(401, fetch(jobs))
            self.assertEqual(401, fetch(jobs, addresses["token"][:-4]))
            self.assertEqual(200, fetch(jobs, addresses["token"]))
            self.assertEqual(200, fetch(f"{addresses['api']}{prefix}/health"))
            self.assertEqual(200, fetch(f"{addresses['api']}{prefix}/ai-clipping/jobs", method="POST"))
            self.assertEqual(200, fetch(f"{addresses['events_api']}{prefix}/webhooks/ai-clipping", method="POST"))

    def test_a_role_holds_its_own_powers_and_no_others(self):
        """That roles are enforced at all; which powers the functions need, the tests of the built ones show."""
        iam = self.stack.client("iam")
        arn = next(role["Arn"] for role in iam.list_roles()["Roles"] if "-WorkerRole-" in role["RoleName"])
        given = self.stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
        keys |= {"aws_session_token": given["SessionToken"]}
        config = deploy.Config(s3={"addressing_style": "path"})
        s3 = deploy.boto3.client("s3", endpoint_url=self.stack.addresses["endpoint"], region_name=adapt.REGION, config=config, **keys)
        s3.put_object(Bucket=self.stack.addresses["bucket"], Key="jobs/j/plan.json", Body=b"{}")
        with self.assertRaisesRegex(Exception, "AccessDenied"):
            s3.put_object(Bucket=self.stack.addresses["bucket"], Key="uploads/u/source.mp4", Body=b"")

    def test_nothing_listens_anywhere_but_on_loopback(self):
        for pid in processes.carrying(self.stack.mark):
            self.assertLessEqual(listening_ports(pid), {"0100007F"})

    def test_a_queued_job_runs_and_is_settled(self):
        execution = self.stack.queue("quick-1")
        self.assertEqual("SUCCEEDED", self.end(execution))
        self.assertIn('"job_id": "quick-1"', self.stack.log("settle-job"))
        first = self.stack.tasks("quick-1")[0]
        variables = dict(line.partition("=")[::2] for line in Path(first["log"]).read_text().splitlines())
        self.assertEqual(("quick-1", "1"), (variables["JOB_ID"], variables["ATTEMPT"]))
        self.assertEqual(self.stack.addresses["events_api"], variables["API_BASE_URL"])
        self.assertEqual(self.stack.addresses["bucket"], variables["BUCKET"])
        self.assertRegex(variables["WEBHOOK_SECRET"], "^[A-Za-z0-9]{44}$")

    def test_a_worker_that_is_killed_is_settled(self):
        self.assertEqual("SUCCEEDED", self.end(self.stack.queue("crash-1")))
        self.assertEqual(137, self.stack.tasks("crash-1")[-1]["exit_code"])
        self.assertIn('"job_id": "crash-1"', self.stack.log("settle-job"))

    def test_an_execution_that_is_stopped_stops_its_worker_and_is_settled(self):
        execution = self.stack.queue("endless-1")
        until(lambda: self.stack.tasks("endless-1"))
        self.stack.client("stepfunctions").stop_execution(executionArn=execution)
        until(lambda: self.stack.tasks("endless-1")[-1]["status"] == "stopped")
        self.assertEqual("ABORTED", self.end(execution))
        until(lambda: '"name": "endless-1-1"' in self.stack.log("settle-job"))


@unittest.skipUnless(TEMPLATE.exists(), "needs template.yaml")
class RulesTest(unittest.TestCase):
    def test_settings_that_are_for_this_machine_are_refused_in_a_shared_environment(self):
        for setting, environment in (("AllowUnsignedEvents", "prod"), ("AllowUnsignedEvents", "staging"), ("AllowPrivateSources", "dev")):
            with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(AssertionError, "rule .* failed"):
                Running(Path(folder), f"--environment={environment}", f"--parameter={setting}=true").process.kill()


@unittest.skipUnless(TEMPLATE.exists(), "needs template.yaml")
class StopTest(unittest.TestCase):
    def stack(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        stack = Running(Path(folder.name))
        self.addCleanup(stack.process.kill)
        stack.queue("endless-2")
        until(lambda: stack.tasks("endless-2"))
        return stack

    def assert_nothing_left(self, stack):
        until(lambda: not processes.carrying(stack.mark), 10)
        until(lambda: not Path(stack.addresses["tasks"]).parent.exists(), 10)
        self.assertEqual([], stack.leftovers())

    def test_ctrl_c_leaves_nothing(self):
        stack = self.stack()
        state = Path(stack.addresses["tasks"]).parent
        self.assertIn(state, stack.leftovers(), "what is there while it runs is seen")
        for folder in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"):
            self.assertIn(state, Path(stack.environment[folder]).parents, "also where an older one has left something of that name")
        self.assertEqual(0, stack.stop(signal.SIGINT))
        self.assertFalse(processes.carrying(stack.mark))
        self.assertEqual([], stack.leftovers())
        self.assertFalse(stack.json.exists())

    def test_a_kill_leaves_nothing(self):
        stack = self.stack()
        stack.stop(signal.SIGKILL)
        self.assert_nothing_left(stack)

    def test_when_one_part_dies_the_rest_stops_and_it_is_named(self):
        stack = self.stack()
        os.kill(stack.addresses["pids"]["issuer"], signal.SIGKILL)
        self.assertEqual(1, stack.process.wait(20))
        self.assertIn("issuer ended with code -9", stack.output.read_text())
        self.assert_nothing_left(stack)


if __name__ == "__main__":
    unittest.main()
