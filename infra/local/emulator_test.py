"""The replaced parts of MiniStack, called in this process: no server, no other process."""

import asyncio
import json
import logging
import queue
import tempfile
import time
import unittest

try:
    import emulator
    from ministack.services import ecs, stepfunctions
except ImportError as missing:
    raise unittest.SkipTest(f"needs the environment of the local stack: {missing}") from missing

REQUEST = {"Cluster": "c", "TaskDefinition": "worker"}
MACHINE = {
    "StartAt": "Run",
    "States": {
        "Run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::ecs:runTask.sync",
            "TimeoutSeconds": 2,
            "Parameters": REQUEST,
            "Retry": [{"ErrorEquals": ["AmazonECS.Unknown", "ECS.ClientException"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
            "Next": "Ran",
        },
        "Ran": {"Type": "Succeed"},
        "Caught": {"Type": "Succeed"},
    },
}


def setUpModule():
    logging.disable(logging.CRITICAL)
    emulator.POLL_SECONDS = 0.02
    emulator.use_no_docker()
    emulator.leave_tasks_to_the_agent()
    emulator.wait_for_tasks_as_aws_does()


def tearDownModule():
    logging.disable(logging.NOTSET)


def answer(response):
    return json.loads(response[2])


class Tasks(unittest.TestCase):
    def setUp(self):
        ecs.reset()
        stepfunctions.reset()
        ecs._create_cluster({"clusterName": "c"})
        ecs._register_task_definition({"family": "worker", "containerDefinitions": [{"name": "worker", "image": "i"}]})

    def start(self, definition=None):
        request = {"name": "m", "definition": json.dumps(definition or MACHINE), "roleArn": "arn:aws:iam::000000000000:role/r"}
        machine = answer(stepfunctions._create_state_machine(request))
        return answer(stepfunctions._start_execution({"stateMachineArn": machine["stateMachineArn"], "name": "j-1"}))["executionArn"]

    def until(self, condition, what):
        deadline = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def tasks(self, desired="RUNNING"):
        return answer(ecs._ACTION_MAP["ListTasks"]({"cluster": "c", "desiredStatus": desired}))["taskArns"]

    def begun(self):
        self.until(self.tasks, "no task begins")
        return self.tasks()[0]

    def report(self, task, status, code=None):
        containers = [] if code is None else [{"containerName": "worker", "exitCode": code}]
        ecs._ACTION_MAP["SubmitTaskStateChange"]({"cluster": "c", "task": task, "status": status, "containers": containers})

    def end(self, execution):
        self.until(lambda: stepfunctions._executions[execution]["status"] != "RUNNING", "the execution does not end")
        return stepfunctions._executions[execution]

    def entered(self, execution):
        details = (event.get("stateEnteredEventDetails") for event in stepfunctions._executions[execution]["events"])
        return [detail["name"] for detail in details if detail]

    def errors(self, execution):
        return [event["taskFailedEventDetails"]["error"] for event in stepfunctions._executions[execution]["events"] if event["type"] == "TaskFailed"]

    def test_a_task_is_pending_until_the_agent_says_otherwise(self):
        self.start()
        task = self.begun()
        self.assertEqual("PENDING", ecs._tasks[task]["lastStatus"])
        self.report(task, "RUNNING")
        self.assertEqual("RUNNING", ecs._tasks[task]["lastStatus"])

    def test_exit_code_0_goes_on_anything_else_is_caught(self):
        for code, last in ((0, "Ran"), (3, "Caught"), (137, "Caught"), (None, "Caught")):
            self.setUp()
            execution = self.start()
            self.report(self.begun(), "STOPPED", code)
            self.end(execution)
            self.assertEqual(["Run", last], self.entered(execution), f"exit code {code}")
            self.assertEqual([] if code == 0 else ["States.TaskFailed"], self.errors(execution))

    def test_a_task_that_never_started_says_so(self):
        execution = self.start()
        task = self.begun()
        self.report(task, "STOPPED")
        self.end(execution)
        self.assertEqual("TaskFailedToStart", ecs._tasks[task]["stopCode"])

    def test_a_refused_launch_is_retried_under_the_name_that_aws_gives_it(self):
        execution = self.start(json.loads(json.dumps(MACHINE).replace('"TaskDefinition": "worker"', '"TaskDefinition": "unknown"')))
        self.end(execution)
        self.assertEqual(["ECS.ClientException"] * 2, self.errors(execution))

    def test_the_timeout_of_a_state_stops_its_task(self):
        execution = self.start()
        task = self.begun()
        self.report(task, "RUNNING")
        self.end(execution)
        self.assertEqual(["States.Timeout"], self.errors(execution))
        self.assertEqual(("STOPPED", "RUNNING"), (ecs._tasks[task]["desiredStatus"], ecs._tasks[task]["lastStatus"]))
        self.report(task, "STOPPED", 0)

    def test_an_execution_that_is_stopped_stays_so_and_stops_its_task(self):
        execution = self.start()
        task = self.begun()
        stepfunctions._stop_execution({"executionArn": execution, "error": "canceled"})
        self.until(lambda: ecs._tasks[task]["desiredStatus"] == "STOPPED", "the task is not asked to stop")
        self.report(task, "STOPPED", 0)
        time.sleep(0.2)
        self.assertEqual("ABORTED", stepfunctions._executions[execution]["status"])
        self.assertEqual(["Run"], self.entered(execution))

    def test_stopping_a_task_keeps_its_own_exit_code(self):
        execution = self.start()
        task = self.begun()
        ecs._ACTION_MAP["StopTask"]({"cluster": "c", "task": task})
        self.assertEqual("PENDING", ecs._tasks[task]["lastStatus"])
        self.report(task, "STOPPED", 0)
        self.end(execution)
        self.assertEqual(0, ecs._tasks[task]["containers"][0]["exitCode"])


class Front(unittest.TestCase):
    def host(self, port):
        seen = {}

        async def app(scope, _receive, _send):
            seen.update(scope["headers"])

        scope = {"type": "http", "server": ("127.0.0.1", port), "headers": [(b"host", b"127.0.0.1"), (b"a", b"b")]}
        asyncio.run(emulator.api_by_port(app, {1: "00000a01"})(scope, None, None))
        return seen

    def test_a_port_stands_for_the_host_name_of_an_api(self):
        self.assertEqual({b"host": b"00000a01.execute-api.localhost", b"a": b"b"}, self.host(1))

    def test_other_ports_are_left_as_they_are(self):
        self.assertEqual({b"host": b"127.0.0.1", b"a": b"b"}, self.host(2))


class Functions(unittest.TestCase):
    def test_a_batch_with_failures_comes_again(self):
        records = {"Records": [{"eventSource": "aws:dynamodb"}]}
        queue = {"Records": [{"eventSource": "aws:sqs"}]}
        failures = {"batchItemFailures": [{"itemIdentifier": "1"}]}
        before = emulator.lambda_svc._execute_function
        self.addCleanup(setattr, emulator.lambda_svc, "_execute_function", before)
        none = {"batchItemFailures": []}
        for event, body, failed in [(records, failures, True), (records, none, False), (records, None, False), (queue, failures, False)]:
            emulator.lambda_svc._execute_function = lambda function, event, body=body: {"body": body}
            emulator.keep_batches_with_failures()
            self.assertEqual(failed, bool(emulator.lambda_svc._execute_function({}, event).get("error")))

    def test_a_crowd_of_connections_is_dealt_with_a_few_at_a_time(self):
        at_work, most = 0, 0

        async def invoke(number):
            nonlocal at_work, most
            at_work, most = at_work + 1, max(most, at_work + 1)
            await asyncio.sleep(0)
            at_work -= 1
            return number

        async def crowd():
            return await asyncio.gather(*(emulator.apigateway._invoke_ws_lambda(number) for number in range(100)))

        self.addCleanup(setattr, emulator.apigateway, "_invoke_ws_lambda", emulator.apigateway._invoke_ws_lambda)
        emulator.apigateway._invoke_ws_lambda = invoke
        emulator.let_socket_events_wait()
        self.assertEqual(list(range(100)), asyncio.run(crowd()))
        self.assertEqual(emulator.SOCKET_EVENTS_AT_ONCE, most)

    def test_an_invocation_waits_for_nothing_that_the_function_may_still_write(self):
        worker = emulator.lambda_runtime.ProvidedWorker
        for name in ("_build_handler_class", "_drain_stderr_bounded"):
            self.addCleanup(setattr, worker, name, getattr(worker, name))
        emulator.answer_as_soon_as_functions_do()
        one = worker("f", {}, b"")
        one._stderr_queue = queue.Queue()
        began = time.monotonic()
        self.assertEqual("", one._drain_stderr_bounded())
        self.assertLess(time.monotonic() - began, 0.04)
        one._stderr_queue.put("said")
        self.assertEqual("said", one._drain_stderr_bounded())
        self.assertTrue(one._build_handler_class(1, queue.Queue()).disable_nagle_algorithm)

    def test_output_is_copied_to_a_file_line_by_line(self):
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as copy:
            source.write(b"one\ntwo\n")
            source.seek(0)
            stream = emulator.Copied(source, copy)
            self.assertEqual(b"one\n", stream.readline())
            copy.seek(0)
            self.assertEqual(b"one\n", copy.read())


if __name__ == "__main__":
    unittest.main()
