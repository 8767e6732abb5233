"""What no checker knows of the template: rules, names, powers, throttling, and how long the state machine waits."""

from __future__ import annotations

import json
import unittest
from typing import Any, Iterator

from source import REPOSITORY, Json, functions, listed, load, parameters_of, routes, transformed

ENVIRONMENTS = ("dev", "staging", "prod")
# actions that AWS knows on no single resource
ONLY_ON_ANYTHING = {"ecr:GetAuthorizationToken"}
# MiB that Fargate has for CPU units
FARGATE_MEMORY = {2048: range(4096, 16385, 1024), 4096: range(8192, 30721, 1024), 8192: range(16384, 61441, 4096)}
# what whoever connects again makes anew
PASSING = ("SessionsTable", "ListenersTable", "SharesTable")
# where a resource's own name stands: unique in an account and region, or in all of AWS
NAMES = {
    "AWS::ApiGateway::RestApi": "Name",
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


def value(expression: Any, parameters: Json) -> Any:
    """A rule's or a name's expression with these parameters."""
    if not isinstance(expression, dict):
        return [value(each, parameters) for each in expression] if isinstance(expression, list) else expression
    (function, argument), = expression.items()
    if function == "Ref":
        return parameters.get(argument, f"<{argument}>")
    if function == "Fn::Sub":
        for name, content in parameters.items():
            argument = argument.replace(f"${{{name}}}", str(content))
        return argument
    operands = value(argument, parameters)
    if function == "Fn::Equals":
        return operands[0] == operands[1]
    if function == "Fn::Not":
        return not operands[0]
    if function == "Fn::Contains":
        return operands[1] in operands[0]
    raise AssertionError(f"{function} is not known here")


def is_refused(parameters: Json) -> bool:
    def holds(rule: Json) -> bool:
        return all(value(each["Assert"], parameters) for each in rule["Assertions"])

    return not all(holds(rule) for rule in load()["Rules"].values() if value(rule["RuleCondition"], parameters))


def names(result: Json, parameters: Json) -> dict[str, str]:
    """What is named in the template itself, by logical id."""
    named = {id: resource.get("Properties", {}).get(NAMES.get(resource["Type"], "")) for id, resource in result["Resources"].items()}
    return {id: value(name, parameters) for id, name in named.items() if name}


def allowed(result: Json) -> Iterator[tuple[str, str, Json]]:
    """Logical id of the role or policy, action and resource of everything that roles may do."""
    for id, resource in result["Resources"].items():
        properties = resource.get("Properties", {})
        own = [properties["PolicyDocument"]] if resource["Type"] == "AWS::IAM::ManagedPolicy" else []
        for document in own + [policy["PolicyDocument"] for policy in properties.get("Policies", [])]:
            for statement in document["Statement"]:
                for action in listed(statement["Action"]):
                    for each in listed(statement["Resource"]):
                        yield id, action, each


class TemplateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.results = {name: transformed(parameters=parameters_of(name)) for name in ENVIRONMENTS}

    def test_each_environment_is_accepted_as_it_is(self) -> None:
        for name in ENVIRONMENTS:
            self.assertFalse(is_refused(parameters_of(name)), name)

    def test_unsigned_events_are_refused_for_prod_and_staging(self) -> None:
        for name, refused in (("local", False), ("dev", False), ("staging", True), ("prod", True), ("prod-eu", True)):
            given = parameters_of("prod") | {"Environment": name, "AllowUnsignedEvents": "true"}
            self.assertEqual(is_refused(given), refused, name)

    def test_private_sources_are_refused_everywhere_but_locally(self) -> None:
        for name, refused in (("local", False), ("dev", True), ("prod", True)):
            given = parameters_of("prod") | {"Environment": name, "AllowPrivateSources": "true"}
            self.assertEqual(is_refused(given), refused, name)

    def test_private_callbacks_are_refused_everywhere_but_locally(self) -> None:
        for name, refused in (("local", False), ("dev", True), ("prod", True)):
            given = parameters_of("prod") | {"Environment": name, "AllowPrivateCallbacks": "true"}
            self.assertEqual(is_refused(given), refused, name)

    def test_what_calls_customers_back_is_outside_of_the_network(self) -> None:
        for id, resource in self.results["prod"]["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Function":
                self.assertNotIn("VpcConfig", resource["Properties"], id)

    def test_what_waits_by_sending_to_itself_is_not_stopped_as_a_loop(self) -> None:
        self.assertEqual(self.results["prod"]["Resources"]["DeliverCallback"]["Properties"]["RecursiveLoop"], "Allow")

    def test_no_change_of_a_job_is_missed_while_a_stream_is_connected(self) -> None:
        mappings = [each["Properties"] for each in self.results["prod"]["Resources"].values() if each["Type"] == "AWS::Lambda::EventSourceMapping"]
        self.assertEqual(["TRIM_HORIZON"] * 2, [each["StartingPosition"] for each in mappings if "StartingPosition" in each])

    def test_a_queue_waits_six_times_as_long_as_its_function(self) -> None:
        resources = self.results["prod"]["Resources"]
        timeout = resources["DeliverCallback"]["Properties"]["Timeout"]
        self.assertGreaterEqual(resources["CallbackQueue"]["Properties"]["VisibilityTimeout"], 6 * timeout)

    def test_two_environments_share_no_name(self) -> None:
        found = {name: names(self.results[name], parameters_of(name)) for name in ENVIRONMENTS}
        self.assertGreater(len(found["dev"]), 15)
        for id in found["dev"]:
            self.assertEqual(len({found[name][id] for name in ENVIRONMENTS}), len(ENVIRONMENTS), id)

    def test_each_power_is_a_single_action_on_a_named_resource(self) -> None:
        powers = list(allowed(self.results["prod"]))
        self.assertGreater(len(powers), 40)
        for role, action, resource in powers:
            self.assertNotIn("*", action, role)
            self.assertEqual(resource == "*", action in ONLY_ON_ANYTHING, f"{role}: {action}")

    def test_no_function_has_a_policy_of_aws(self) -> None:
        for id, resource in self.results["prod"]["Resources"].items():
            for policy in resource.get("Properties", {}).get("ManagedPolicyArns", []):
                self.assertEqual(policy, {"Ref": "WriteFunctionLogs"}, id)

    def test_what_holds_data_stays_when_the_stack_goes(self) -> None:
        for id, resource in self.results["prod"]["Resources"].items():
            if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket") and id not in PASSING:
                self.assertEqual((resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("RetainExceptOnCreate", "Retain"), id)

    def test_every_log_is_kept_for_a_while_and_every_function_writes_to_one_of_them(self) -> None:
        for id, resource in self.results["prod"]["Resources"].items():
            if resource["Type"] == "AWS::Logs::LogGroup":
                self.assertIn("RetentionInDays", resource["Properties"], id)
            if resource["Type"] == "AWS::Lambda::Function":
                self.assertEqual(resource["Properties"]["LoggingConfig"], {"LogFormat": "JSON", "LogGroup": {"Ref": "FunctionLogs"}}, id)

    def test_throttled_routes_exist(self) -> None:
        template = load()
        known = {f"{method} {path}" for function in functions(template).values() for method, path, _ in routes(function)}
        self.assertLessEqual(set(template["Resources"]["PublicApi"]["Properties"]["RouteSettings"]), known)

    def test_what_a_back_end_asks_for_is_throttled_as_what_a_user_does(self) -> None:
        template = load()
        limits = template["Resources"]["PublicApi"]["Properties"]["RouteSettings"]
        known = {f"{method} {path}" for function in functions(template).values() for method, path, _ in routes(function)}
        of_back_ends = [route for route in known if "/ai-clipping/" in route and "{job_id}" not in route]
        self.assertGreater(len(of_back_ends), 5)
        for route in of_back_ends:
            self.assertEqual(limits.get(route), limits.get(route.replace("/ai-clipping/", "/ai-clipping-agent/")), route)

    def test_fargate_has_tasks_of_these_sizes(self) -> None:
        for name in ENVIRONMENTS:
            parameters = parameters_of(name)
            self.assertIn(int(parameters["WorkerMemory"]), FARGATE_MEMORY[int(parameters["WorkerCpu"])], name)

    def test_the_worker_is_told_its_job_and_attempt_as_text(self) -> None:
        (container,) = machine()["RunWorker"]["Parameters"]["Overrides"]["ContainerOverrides"]
        self.assertEqual(container["Name"], self.results["prod"]["Resources"]["WorkerTask"]["Properties"]["ContainerDefinitions"][0]["Name"])
        given = [{"Name": "JOB_ID", "Value.$": "$.job_id"}, {"Name": "ATTEMPT", "Value.$": "States.Format('{}', $.attempt)"}]
        self.assertEqual(container["Environment"], given)

    def test_only_launches_are_retried_and_every_way_out_is_settled(self) -> None:
        run = machine()["RunWorker"]
        (retry,) = run["Retry"]
        for error in retry["ErrorEquals"]:
            # States.TaskFailed is a worker that died, States.Timeout one that hung
            self.assertRegex(error, "^(AmazonECS|ECS)\\.")
        self.assertEqual([(each["ErrorEquals"], each["Next"]) for each in run["Catch"]], [(["States.ALL"], "Settle")])
        self.assertEqual(run["Next"], "Settle")

    def test_a_launch_and_a_settlement_are_tried_for_a_day(self) -> None:
        for name, state in machine().items():
            (retry,) = state["Retry"]
            longest = (min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"]) for n in range(retry["MaxAttempts"]))
            # full jitter: on average half of the longest wait
            self.assertAlmostEqual(sum(longest) / 2 / 3600, 24, delta=0.25, msg=name)
            self.assertEqual((retry["MaxDelaySeconds"], retry["JitterStrategy"]), (300, "FULL"), name)


def machine() -> Json:
    return json.loads((REPOSITORY / "infra/state_machine.asl.json").read_text(encoding="utf-8"))["States"]


if __name__ == "__main__":
    unittest.main()
