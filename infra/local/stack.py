#!/usr/bin/env python3
"""Brings the whole system up on this machine, on loopback only, without AWS, account or Docker; stops all of it on Ctrl-C.

MiniStack stands in for AWS, with the real template.yaml and the real binaries of the functions deployed onto it; fargate.py starts the
worker for each task; issuer.py signs the tokens that the JWT authorizer trusts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

# until there is something to stop, Ctrl-C just ends this
signal.signal(signal.SIGINT, signal.SIG_DFL)
try:
    import adapt
    import deploy
except ImportError as missing:
    sys.exit(f"local stack: {missing}: run this with the Python of .cache/venvs/stack, as `make local` does")
from processes import MARK, Keeper, Part, free_ports

Json = dict[str, Any]
REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LOGS = REPOSITORY / ".cache" / "local"
AUDIENCE = "clipwright-on-this-machine"
USER = "alice"
# as the rule of the template
SWEEP_S = 3600


class StackError(Exception):
    """The stack cannot start or go on; the message says why."""


class Stack:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.mark = f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
        self.logs = (options.logs or LOGS / self.mark).resolve()
        self.logs.mkdir(parents=True, exist_ok=True)
        forget_old_logs()
        self.state = Path(tempfile.mkdtemp(prefix="clipwright-local-"))
        self.keeper = Keeper(self.mark, self.state)
        self.parts: list[Part] = []
        self.port, self.api_port, self.events_port, self.issuer_port = free_ports(4)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.api = f"http://127.0.0.1:{self.api_port}"
        self.issuer = f"http://127.0.0.1:{self.issuer_port}"
        # what is sent to its connections is signed, host name included: no port can stand for this API
        self.realtime = f"ws://127.0.0.1:{self.port}/_aws/execute-api/{adapt.REALTIME_API_ID}"

    def up(self) -> Json:
        """Starts every part and gives the addresses."""
        if not os.access(self.options.worker, os.X_OK):
            raise StackError(f"{self.options.worker} is not there: build the worker first")
        apis = [f"--api={self.api_port}={adapt.HTTP_API_ID}", f"--api={self.events_port}={adapt.REST_API_ID}"]
        self.start("emulator", f"--port={self.port}", *apis, f"--logs={self.logs / 'functions'}")
        self.start("issuer", f"--port={self.issuer_port}", f"--audience={AUDIENCE}")
        template = adapt.adapted(self.options.template, self.parameters(), f"http://127.0.0.1:{self.events_port}", self.realtime)
        self.wait_for(f"{self.endpoint}/_ministack/health")
        self.wait_for(f"{self.issuer}/.well-known/openid-configuration")
        deploy.upload_code(self.endpoint, adapt.binaries(self.options.template), self.options.functions)
        addresses = self.addresses(template, deploy.create_stack(self.endpoint, template, self.parameters()))
        deploy.add_service_key(self.endpoint, addresses["service_keys_secret"], addresses["service_key"])
        self.start("fargate", f"--endpoint={self.endpoint}", f"--cluster={addresses['cluster']}", f"--worker={self.options.worker.resolve()}",
                   f"--tasks-at-once={self.options.tasks_at_once}", f"--folder={self.state}", f"--logs={self.logs}")
        return addresses

    def start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
        self.parts.append(Part(name, command, self.environment(), self.logs / f"{name}.log"))

    def environment(self) -> dict[str, str]:
        """What the parts see, and the functions through MiniStack: nothing of this machine's AWS settings."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "CLIPWRIGHT_HOME", "RUST_BACKTRACE") if name in os.environ}
        temporary = self.state / "tmp"
        temporary.mkdir(exist_ok=True)
        return kept | {
            MARK: self.mark,
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(temporary),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": adapt.REGION,
            "AWS_ACCESS_KEY_ID": deploy.ACCOUNT_KEY,
            "AWS_SECRET_ACCESS_KEY": deploy.SECRET,
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            # MiniStack has these below /tmp for all users of a machine, and leaves them there
            "STATE_DIR": str(self.state / "ministack"),
            "S3_DATA_DIR": str(self.state / "s3"),
            # it would open ports for these, and look for a Docker daemon
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{self.state}/no-docker",
        }

    def parameters(self) -> dict[str, str]:
        allowed = dict.fromkeys(["AllowPrivateSources", "AllowPrivateCallbacks", "AllowUnsignedEvents"], "true")
        # tests send what crowds would, as one user
        local = allowed | {"RequestsPerMinute": "1000000", "ServiceRequestsPerMinute": "1000000"} if self.options.environment == "local" else {}
        given = dict(each.split("=", 1) for each in self.options.parameter)
        return {"Environment": self.options.environment, "JwtIssuer": self.issuer, "JwtAudience": AUDIENCE} | local | given

    def wait_for(self, address: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                urllib.request.urlopen(address, timeout=2).read()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise StackError(f"{address} does not answer: {error}") from error
                time.sleep(0.05)

    def check(self) -> None:
        for part in self.parts:
            if part.ended():
                raise StackError(f"{part.name} ended with code {part.process.returncode}; the end of {part.log}:\n{part.last_lines()}")

    def addresses(self, template: Json, resources: Json) -> Json:
        def only(kind: str, part: str = "") -> str:
            return next(resources[name] for name, _ in adapt.of_type(template, kind) if part.lower() in name.lower())

        functions = {name: resources[name] for name, _ in adapt.of_type(template, "AWS::Lambda::Function")}
        return {
            "api": self.api,
            "events_api": f"http://127.0.0.1:{self.events_port}/{only('AWS::ApiGateway::Stage')}",
            "realtime": f"{self.realtime}/{only('AWS::ApiGatewayV2::Stage', 'realtime')}",
            "issuer": self.issuer,
            "user": USER,
            "token": urllib.request.urlopen(f"{self.issuer}/token?sub={USER}", timeout=5).read().decode(),
            "service_key": f"local-{secrets.token_hex(16)}",
            "service_keys_secret": only("AWS::SecretsManager::Secret", "keys"),
            "webhook_secret": only("AWS::SecretsManager::Secret", "webhook"),
            "bucket": only("AWS::S3::Bucket"),
            "jobs_table": only("AWS::DynamoDB::Table", "jobs"),
            "uploads_table": only("AWS::DynamoDB::Table", "uploads"),
            "deliveries_table": only("AWS::DynamoDB::Table", "deliveries"),
            "receivers_table": only("AWS::DynamoDB::Table", "receivers"),
            "callback_queue": only("AWS::SQS::Queue", "callbackqueue"),
            "sessions_table": only("AWS::DynamoDB::Table", "sessions"),
            "listeners_table": only("AWS::DynamoDB::Table", "listeners"),
            "state_machine": only("AWS::StepFunctions::StateMachine"),
            "cluster": only("AWS::ECS::Cluster"),
            "endpoint": self.endpoint,
            "region": adapt.REGION,
            "functions": functions,
            "environment": deploy.function_environment(self.endpoint, list(functions.values())),
            "logs": str(self.logs),
            "tasks": str(self.state / "tasks.jsonl"),
            "pids": {part.name: part.process.pid for part in self.parts} | {"stack": os.getpid()},
        }

    def watch(self, addresses: Json) -> None:
        swept = time.monotonic()
        while True:
            self.check()
            # beside the rule of the template, whose schedule an emulator need not run
            if time.monotonic() - swept > SWEEP_S:
                deploy.invoke(self.endpoint, addresses["functions"]["SweepJobs"])
                swept = time.monotonic()
            time.sleep(0.2)


def forget_old_logs(keep: int = 10) -> None:
    for old in sorted(folder for folder in LOGS.glob("*-*") if folder.is_dir())[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def describe(addresses: Json) -> str:
    video = "https://example.com/talk.mp4"
    return f"""
  for users     {addresses['api']}/api/ai-clipping-agent/jobs
  for services  {addresses['api']}/ai-clipping/jobs
  events        {addresses['events_api']}/api/webhooks/ai-clipping
  realtime      {addresses['realtime']}
  tokens        {addresses['issuer']}/token?sub=NAME
  AWS           {addresses['endpoint']} (key and secret `test`, {addresses['region']})
  logs          {addresses['logs']}

Submit a job as a user:

  curl -sS {addresses['api']}/api/ai-clipping-agent/jobs -H "Authorization: Bearer $(curl -sS '{addresses['issuer']}/token?sub={USER}')" -H 'Content-Type: application/json' -d '{{"youtubeUrl": "{video}", "requestedClipCount": 3}}'

or as a service:

  curl -sS {addresses['api']}/ai-clipping/jobs -H 'x-api-key: {addresses['service_key']}' -H 'Content-Type: application/json' -d '{{"video_url": "{video}", "max_clips": 3}}'

Ctrl-C stops everything."""


def write_json(file: Path, addresses: Json) -> None:
    """All at once: who waits for the file never reads half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(addresses, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(file)


def remove_json(file: Path) -> None:
    """Only one's own: another stack may have written its addresses there since."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads(file.read_text(encoding="utf-8"))["pids"]["stack"] == os.getpid():
            file.unlink()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["up", "env"], help="up: run the stack; env: print, for a shell, the functions' environment of the one that runs")
    parser.add_argument("--template", type=Path, default=REPOSITORY / "template.yaml")
    parser.add_argument("--functions", type=Path, default=REPOSITORY / "target/local/lambda", help="folder with NAME/bootstrap or NAME/bootstrap.zip for each function")
    parser.add_argument("--worker", type=Path, default=REPOSITORY / "target/local/clipwright", help="the worker's program")
    parser.add_argument("--environment", default="local", help="the template's Environment; others than local have its safe defaults")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="another parameter of the template")
    parser.add_argument("--tasks-at-once", type=int, default=2)
    parser.add_argument("--json", type=Path, default=LOGS / "stack.json", help="file for the addresses, gone when the stack is (default: .cache/local/stack.json)")
    parser.add_argument("--logs", type=Path, help="folder for the logs of every part (default: a new one in .cache/local)")
    return parser.parse_args()


def stop_on_signal(_number: int, _frame: Any) -> None:
    raise SystemExit(0)


def exports(file: Path) -> str:
    """For `eval`: with these a function runs outside the stack and finds its services, as under `cargo lambda watch`."""
    variables = json.loads(file.read_text(encoding="utf-8"))["environment"]
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items()))


def main() -> int:
    options = parse_arguments()
    if options.command == "env":
        print(exports(options.json))
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    began = time.monotonic()
    stack = Stack(options)
    try:
        addresses = stack.up()
        write_json(options.json, addresses)
        print(f"up after {time.monotonic() - began:.1f} s\n{describe(addresses)}", flush=True)
        stack.watch(addresses)
    except (StackError, deploy.DeployError) as error:
        print(f"local stack: {error}", file=sys.stderr)
        return 1
    finally:
        remove_json(options.json)
        stack.keeper.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
