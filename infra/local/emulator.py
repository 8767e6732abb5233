#!/usr/bin/env python3
"""Runs MiniStack in this process, with a few of its functions replaced where it is not as AWS is and we need it to be.

Started by stack.py, which sets MiniStack's settings in the environment. Each replacement is one small function with its reason.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import functools
import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Callable

from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.core.concurrency import resource_lock
from ministack.core.responses import json_response
from ministack.services import apigateway, ecs, lambda_svc, stepfunctions

Json = dict[str, Any]
# what the state of an execution that is being run right now knows: the execution, and the tasks that it began
_running: contextvars.ContextVar[tuple[Json, list[str]] | None] = contextvars.ContextVar("running", default=None)
POLL_SECONDS = 0.2
SOCKET_EVENTS_AT_ONCE = 4


def main() -> None:
    options = parse_arguments()
    use_no_docker()
    leave_tasks_to_the_agent()
    wait_for_tasks_as_aws_does()
    keep_batches_with_failures()
    let_socket_events_wait()
    answer_as_soon_as_functions_do()
    write_function_logs(options.logs)
    asyncio.run(serve(api_by_port(ministack.app, dict(options.api)), [options.port, *dict(options.api)]))
    lambda_runtime.reset()
    os._exit(0)  # states that still wait for something hold threads that would keep the interpreter


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="where the services of AWS answer")
    parser.add_argument("--api", type=port_and_id, action="append", default=[], help="PORT=ID: an API that answers at a port of its own")
    parser.add_argument("--logs", type=Path, required=True, help="folder for a file of each function's output")
    return parser.parse_args()


def port_and_id(text: str) -> tuple[int, str]:
    port, _, api = text.partition("=")
    return int(port), api


async def serve(app: Callable, ports: list[int]) -> None:
    """Serves until SIGTERM or SIGINT, on loopback only."""
    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}" for port in ports]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await hypercorn(app, config, shutdown_trigger=stop.wait)


def api_by_port(app: Callable, apis: dict[int, str]) -> Callable:
    """API Gateway tells its APIs apart by host name; names below `localhost` do not resolve everywhere, so here a port stands for one."""

    async def front(scope: Json, receive: Callable, send: Callable) -> None:
        api = apis.get((scope.get("server") or (None, None))[1])
        if api:
            headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [(b"host", f"{api}.execute-api.localhost".encode()), *headers]}
        await app(scope, receive, send)

    return front


def use_no_docker() -> None:
    """With a Docker daemon at hand MiniStack would run tasks in containers itself; here the stand-in for Fargate does."""
    ecs._get_docker = lambda: None


# --- tasks: RunTask leaves a task pending, the agent (fargate.py) reports what becomes of it, over ECS's own agent API


def leave_tasks_to_the_agent() -> None:
    run_task = ecs._run_task

    def pending(data: Json) -> tuple:
        status, headers, body = run_task(data)
        for described in json.loads(body or b"{}").get("tasks", []):
            task = ecs._tasks[described["taskArn"]]
            task["lastStatus"] = "PENDING"
            task["startedAt"] = None
        return status, headers, body

    ecs._run_task = pending
    ecs._stop_task = ask_to_stop
    ecs._ACTION_MAP.update({"RunTask": pending, "StopTask": ask_to_stop, "SubmitTaskStateChange": report_state})


def ask_to_stop(data: Json) -> tuple:
    """StopTask only asks: the task ends when its process does, and keeps that exit code."""
    task = ecs._resolve_task(data.get("task", ""), ecs._resolve_cluster_name(data.get("cluster", "default")))
    if not task:
        return ecs.error_response_json("InvalidParameterException", "The referenced task was not found.", 400)
    if task["lastStatus"] != "STOPPED":
        task.update(desiredStatus="STOPPED", stopCode="UserInitiated", stoppedReason=data.get("reason") or "Task stopped by user")
    return json_response({"task": ecs._sanitize(task)})


def report_state(data: Json) -> tuple:
    task = ecs._resolve_task(data.get("task", ""), ecs._resolve_cluster_name(data.get("cluster", "default")))
    if not task:
        return ecs.error_response_json("ClientException", "The referenced task was not found.", 400)
    now = ecs._iso()
    with resource_lock("ecs-task", task["taskArn"]):
        if data["status"] == "RUNNING":
            task.update(lastStatus="RUNNING", startedAt=now)
        elif data["status"] == "STOPPED":
            exit_codes = {container["containerName"]: container.get("exitCode") for container in data.get("containers", [])}
            started = any(code is not None for code in exit_codes.values())
            for container in task["containers"]:
                container.update(lastStatus="STOPPED", exitCode=exit_codes.get(container["name"]))
            task["stopCode"] = task["stopCode"] or ("EssentialContainerExited" if started else "TaskFailedToStart")
            task["stoppedReason"] = task["stoppedReason"] or data.get("reason") or "Essential container in task exited"
            task.update(desiredStatus="STOPPED", lastStatus="STOPPED", stoppedAt=now)
        ecs._bump_task_version(task)
    return json_response({"acknowledgment": "ACCEPT"})


# --- ecs:runTask.sync: MiniStack gives up after 600 s, calls every end a success and leaves tasks running behind it


def wait_for_tasks_as_aws_does() -> None:
    execute_task, fail_execution = stepfunctions._execute_task, stepfunctions._fail_execution

    def execute_and_stop_what_is_left(state: Json, given: Any, execution: Json, context: Json) -> tuple:
        token = _running.set((execution, []))
        try:
            return execute_task(state, given, execution, context)
        finally:
            _running.reset(token)

    def fail_unless_over(execution: Json, error: str, cause: str) -> None:
        """An execution that was stopped stays ABORTED, whatever its last state says afterwards."""
        if execution["status"] == "RUNNING":
            fail_execution(execution, error, cause)

    stepfunctions._execute_task = execute_and_stop_what_is_left
    stepfunctions._fail_execution = fail_unless_over
    stepfunctions._invoke_resource_with_timeout = invoke_and_stop_tasks
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::ecs:runTask"] = run_task


def run_task(resource: str, given: Json) -> Any:
    """Error names as AWS has them: `ECS.…` for a refused call, `AmazonECS.Unknown` for failures in its answer, `States.TaskFailed` for
    a task that ends badly."""
    execution, begun = _running.get() or ({"status": "RUNNING"}, [])
    refuse_if_stopped(execution)
    request = stepfunctions._pascal_to_camel(given)
    status, _, body = ecs._run_task(request)
    answer = json.loads(body or b"{}")
    if status >= 400:
        raise stepfunctions._ExecutionError("ECS." + answer.get("__type", "AmazonECSException").rsplit("#", 1)[-1], answer.get("message", ""))
    if not resource.endswith(".sync"):
        return answer
    if answer.get("failures"):
        raise stepfunctions._ExecutionError("AmazonECS.Unknown", json.dumps(answer))
    arn = answer["tasks"][0]["taskArn"]
    begun.append(arn)
    task = wait_until_stopped(arn, execution)
    if task["stopCode"] != "EssentialContainerExited" or any(container["exitCode"] != 0 for container in task["containers"]):
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(ecs._sanitize(task)))
    return ecs._sanitize(task)


def wait_until_stopped(arn: str, execution: Json) -> Json:
    while (task := ecs._tasks[arn])["lastStatus"] != "STOPPED":
        if execution["status"] != "RUNNING":
            ask_to_stop({"cluster": task["clusterArn"], "task": arn, "reason": "Task was stopped as its execution was"})
            refuse_if_stopped(execution)
        time.sleep(POLL_SECONDS)
    return task


def refuse_if_stopped(execution: Json) -> None:
    """Ends the execution's thread: not as a failure of the state, which could be retried or caught."""
    if execution["status"] != "RUNNING":
        raise SystemExit


def invoke_and_stop_tasks(resource: str, given: Any, timeout: float) -> Any:
    """TimeoutSeconds of a state also stops the task that the state was waiting for."""
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures import TimeoutError as Late

    pool = ThreadPoolExecutor(max_workers=1)
    future = pool.submit(contextvars.copy_context().run, stepfunctions._invoke_resource, resource, given)
    pool.shutdown(wait=False)
    try:
        return future.result(timeout=timeout)
    except Late:
        for arn in (_running.get() or ({}, []))[1]:
            ask_to_stop({"cluster": ecs._tasks[arn]["clusterArn"], "task": arn, "reason": "Task timed out"})
        raise stepfunctions._ExecutionError("States.Timeout", f"Task timed out after {timeout} seconds") from None


# --- functions


def keep_batches_with_failures() -> None:
    """MiniStack takes a stream function's `batchItemFailures` for success and so loses those records; here the batch comes again, as a whole."""
    execute = lambda_svc._execute_function

    def execute_batch(function: Json, event: Any, *args: Any, **kwargs: Any) -> Json:
        result = execute(function, event, *args, **kwargs)
        records = event.get("Records") if isinstance(event, dict) else None
        of_stream = bool(records) and records[0].get("eventSource") == "aws:dynamodb"
        answer = result.get("body")
        if of_stream and not result.get("error") and isinstance(answer, dict) and answer.get("batchItemFailures"):
            return {**result, "error": True, "body": {"errorType": "BatchItemFailures", "errorMessage": json.dumps(answer)}}
        return result

    lambda_svc._execute_function = execute_batch


def let_socket_events_wait() -> None:
    """Where hundreds of connections come or go at once, MiniStack starts a process of the function for each: this machine then gets nothing
    done before they time out. AWS has room for them; here so many run at once and the others wait."""
    invoke, places = apigateway._invoke_ws_lambda, asyncio.Semaphore(SOCKET_EVENTS_AT_ONCE)

    async def invoke_in_turn(*args: Any, **kwargs: Any) -> Json | None:
        async with places:
            return await invoke(*args, **kwargs)

    apigateway._invoke_ws_lambda = invoke_in_turn


def answer_as_soon_as_functions_do() -> None:
    """MiniStack makes each invocation 90 ms longer: 50 ms it waits for what the function may still write, which is in a file here anyway, and
    for 40 ms the second part of an event waits until the first is acknowledged."""
    worker = lambda_runtime.ProvidedWorker
    build = worker._build_handler_class

    def build_without_delay(*args: Any) -> type:
        handler = build(*args)
        handler.disable_nagle_algorithm = True
        return handler

    worker._build_handler_class = build_without_delay
    worker._drain_stderr_bounded = functools.partialmethod(worker._drain_stderr_bounded, first_line_wait=0)


def write_function_logs(folder: Path) -> None:
    """MiniStack shows what a function wrote only after its invocation and only in CloudWatch Logs; here each function has a file, written at once."""
    folder.mkdir(parents=True, exist_ok=True)
    pump = lambda_runtime.ProvidedWorker._pump_output

    def pump_into_file(worker: Any, stream: Any, queue: Any) -> None:
        with open(folder / f"{worker.func_name}.log", "ab", buffering=0) as file:
            pump(worker, Copied(stream, file), queue)

    lambda_runtime.ProvidedWorker._pump_output = pump_into_file


class Copied:
    """A stream whose lines are also written to a file."""

    def __init__(self, stream: Any, file: Any) -> None:
        self.stream, self.file = stream, file

    def readline(self) -> bytes:
        line = self.stream.readline()
        self.file.write(line)
        return line

    def close(self) -> None:
        self.stream.close()


if __name__ == "__main__":
    main()
