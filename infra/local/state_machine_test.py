"""Every way through infra/state_machine.asl.json, on the emulator's engine in this process."""

import json
import logging
import time
import unittest
from pathlib import Path
from unittest import mock

try:
    import emulator
    from ministack.services import ecs, stepfunctions
except ImportError as missing:
    raise unittest.SkipTest(f"needs the environment of the local stack: {missing}") from missing

DEFINITION = Path(__file__).resolve().parents[1] / "state_machine.asl.json"
LAUNCH_FAILURES = {
    "AmazonECS.Unknown": (200, {}, json.dumps({"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}).encode()),
    # what is not one of the named exceptions has this name, with Fargate's lack of capacity as its commonest cause
    "ECS.AmazonECSException": (400, {}, json.dumps({"message": "Capacity is unavailable at this time. Please try again later"}).encode()),
    "ECS.ThrottlingException": (400, {}, json.dumps({"__type": "ThrottlingException", "message": "slow down"}).encode()),
}


def setUpModule():
    logging.disable(logging.CRITICAL)
    emulator.POLL_SECONDS = 0.02
    emulator.use_no_docker()
    emulator.leave_tasks_to_the_agent()
    emulator.wait_for_tasks_as_aws_does()


def tearDownModule():
    logging.disable(logging.NOTSET)


def until(condition):
    deadline = time.monotonic() + 10
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("not within 10 s")
        time.sleep(0.01)
    return value


class StateMachineTest(unittest.TestCase):
    def setUp(self):
        ecs.reset()
        stepfunctions.reset()
        ecs._create_cluster({"clusterName": "${Cluster}"})
        ecs._register_task_definition({"family": "${WorkerFamily}", "containerDefinitions": [{"name": "worker", "image": "i"}]})
        self.settled, self.settle_failures = [], []
        self.enterContext(mock.patch.object(stepfunctions, "_call_lambda", self.settle))
        self.waits = []
        self.enterContext(mock.patch.object(stepfunctions, "_scaled_sleep", self.waits.append))

    def settle(self, _function, event):
        self.settled.append(event)
        if self.settle_failures:
            raise stepfunctions._ExecutionError(self.settle_failures.pop(), "")

    def start(self, timeout=None):
        definition = json.loads(DEFINITION.read_text(encoding="utf-8"))
        if timeout:
            definition["States"]["RunWorker"]["TimeoutSeconds"] = timeout
        machine = {"name": "m", "definition": json.dumps(definition), "roleArn": "arn:aws:iam::000000000000:role/r"}
        arn = json.loads(stepfunctions._create_state_machine(machine)[2])["stateMachineArn"]
        started = stepfunctions._start_execution({"stateMachineArn": arn, "name": "j-2", "input": json.dumps({"job_id": "j", "attempt": 2})})
        return json.loads(started[2])["executionArn"]

    def task(self):
        return until(lambda: next((task for _, task in ecs._tasks.all_items() if task["desiredStatus"] == "RUNNING"), None))

    def stop(self, task, code=None):
        containers = [] if code is None else [{"containerName": "worker", "exitCode": code}]
        change = {"cluster": task["clusterArn"], "task": task["taskArn"], "status": "STOPPED", "containers": containers}
        ecs._ACTION_MAP["SubmitTaskStateChange"](change)

    def end(self, execution):
        until(lambda: stepfunctions._executions[execution]["status"] != "RUNNING")
        return stepfunctions._executions[execution]["status"]

    def assert_settled_once(self, execution):
        self.assertEqual("SUCCEEDED", self.end(execution))
        self.assertEqual([{"job_id": "j", "attempt": 2}], self.settled)

    def test_success_and_crash_and_a_task_that_never_starts_are_settled(self):
        for code in (0, 1, 137, None):
            with self.subTest(code=code):
                self.settled.clear()
                ecs._tasks.clear()
                stepfunctions._state_machines.clear()
                stepfunctions._executions.clear()
                execution = self.start()
                self.stop(self.task(), code)
                self.assert_settled_once(execution)
                self.assertEqual([], self.waits, "a worker is not started again inside an execution")

    def test_the_worker_gets_job_and_attempt(self):
        execution = self.start()
        task = self.task()
        variables = {each["name"]: each["value"] for each in task["overrides"]["containerOverrides"][0]["environment"]}
        self.assertEqual({"JOB_ID": "j", "ATTEMPT": "2"}, variables)
        self.stop(task, 0)
        self.end(execution)

    def test_a_failed_launch_is_tried_again(self):
        for name, failure in LAUNCH_FAILURES.items():
            with self.subTest(name):
                self.setUp()
                launch = ecs._run_task
                answers = iter([failure, failure])
                with mock.patch.object(ecs, "_run_task", lambda request: next(answers, None) or launch(request)):
                    execution = self.start()
                    self.stop(self.task(), 0)
                    self.assert_settled_once(execution)
                self.assertEqual(2, len(self.waits))

    def test_a_launch_that_is_refused_for_good_is_settled(self):
        ecs._task_defs.clear()
        self.assert_settled_once(self.start())
        self.assertEqual([], self.waits)

    def test_a_time_out_stops_the_worker_and_is_settled(self):
        execution = self.start(timeout=1)
        task = self.task()
        self.assert_settled_once(execution)
        self.assertEqual("STOPPED", task["desiredStatus"])
        self.stop(task, 143)
        time.sleep(0.1)  # what waited for the task ends too

    def test_settling_is_tried_again(self):
        self.settle_failures = ["Lambda.ServiceException", "Sandbox.Timedout", "Runtime.ExitError"]
        execution = self.start()
        self.stop(self.task(), 0)
        self.assertEqual("SUCCEEDED", self.end(execution))
        self.assertEqual(4, len(self.settled))

    def test_one_that_is_stopped_ends_there(self):
        execution = self.start()
        task = self.task()
        stepfunctions._stop_execution({"executionArn": execution})
        until(lambda: task["desiredStatus"] == "STOPPED")
        self.stop(task, 0)
        time.sleep(0.1)
        self.assertEqual(("ABORTED", []), (self.end(execution), self.settled))


if __name__ == "__main__":
    unittest.main()
