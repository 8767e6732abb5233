"""What keeps data, lets jobs wait and costs nothing while idle is in the template; that each test fails without it is seeded below."""

from __future__ import annotations

import copy
import json
import unittest
from typing import Any, Callable, Iterator

from source import REPOSITORY, Json, parameters_of, transformed

# their records have no end of their own: a secret is kept until its owner makes another
WITHOUT_EXPIRY = {"AdmissionsTable", "ReceiversTable"}
# no task was launched: an answer with failures, no capacity ("Capacity is unavailable at this time"), throttling
LAUNCH_FAILURES = {"AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ThrottlingException"}
# ends of an execution that its own states do not see
UNSEEN_ENDS = ["FAILED", "TIMED_OUT", "ABORTED"]
# dollars a month in us-east-1, used or not; an endpoint's in each of its subnets
HOURS = 730
PRICES = {
    "AWS::CloudWatch::Alarm": 0.10,
    "AWS::EC2::EIP": 0.005 * HOURS,
    "AWS::EC2::NatGateway": 0.045 * HOURS,
    "AWS::EC2::VPCEndpoint": 0.01 * HOURS,
    "AWS::SecretsManager::Secret": 0.40,
}


class ResourcesTest(unittest.TestCase):
    resources: Json

    @classmethod
    def setUpClass(cls) -> None:
        cls.resources = transformed(parameters=parameters_of("prod"))["Resources"]

    def of_type(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Logical id and properties of each resource of a type, of which there is one at least."""
        found = [(id, resource["Properties"]) for id, resource in self.resources.items() if resource["Type"] == kind]
        self.assertTrue(found, kind)
        yield from found

    def test_tables_are_on_demand_and_can_be_brought_back(self) -> None:
        for id, table in self.of_type("AWS::DynamoDB::Table"):
            self.assertEqual(table.get("BillingMode"), "PAY_PER_REQUEST", id)
            self.assertEqual(table.get("PointInTimeRecoverySpecification"), {"PointInTimeRecoveryEnabled": True}, id)

    def test_records_expire_where_they_say_when(self) -> None:
        for id, table in self.of_type("AWS::DynamoDB::Table"):
            wanted = None if id in WITHOUT_EXPIRY else {"AttributeName": "expires_at", "Enabled": True}
            self.assertEqual(table.get("TimeToLiveSpecification"), wanted, id)

    def test_no_authorizer_is_left_out_with_a_warning(self) -> None:
        for id, api in self.of_type("AWS::ApiGatewayV2::Api"):
            # one of WebSockets has no authorizer here
            if api.get("ProtocolType") != "WEBSOCKET":
                self.assertIs(api.get("FailOnWarnings"), True, id)

    def test_events_come_in_privately_and_other_people_s_apis_stay_within_reach(self) -> None:
        self.assertEqual(self.resources["PrivateApi"]["Properties"]["EndpointConfiguration"]["Types"], ["PRIVATE"])
        for id, endpoint in self.of_type("AWS::EC2::VPCEndpoint"):
            if "execute-api" in json.dumps(endpoint["ServiceName"]):
                self.assertIs(endpoint.get("PrivateDnsEnabled"), False, id)

    def test_nothing_of_a_bucket_is_public(self) -> None:
        settings = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        for id, bucket in self.of_type("AWS::S3::Bucket"):
            self.assertEqual(bucket.get("PublicAccessBlockConfiguration"), dict.fromkeys(settings, True), id)

    def test_uploads_expire_whole_and_in_parts(self) -> None:
        rules = [rule for rule in self.resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"]
        self.assertEqual([rule["Prefix"] for rule in rules if "ExpirationInDays" in rule], ["uploads/"], "jobs are kept, uploads are not")
        self.assertEqual([rule.get("Prefix") for rule in rules if "AbortIncompleteMultipartUpload" in rule], [None], "wherever the parts are")

    def test_a_launch_without_capacity_or_throttled_is_retried(self) -> None:
        retried = self.resources["JobMachine"]["Properties"]["Definition"]["States"]["RunWorker"].get("Retry", [])
        self.assertLessEqual(LAUNCH_FAILURES, {error for retry in retried for error in retry["ErrorEquals"]})

    def test_every_end_that_an_execution_does_not_see_is_settled(self) -> None:
        (rule,) = [rule for _, rule in self.of_type("AWS::Events::Rule") if "EventPattern" in rule]
        self.assertEqual(rule["EventPattern"]["detail"].get("status"), UNSEEN_ENDS)
        self.assertEqual([target["Arn"] for target in rule["Targets"]], [{"Fn::GetAtt": ["SettleJob", "Arn"]}])

    def test_what_is_left_of_deleted_jobs_is_looked_for_every_hour(self) -> None:
        rules = [rule for _, rule in self.of_type("AWS::Events::Rule") if "ScheduleExpression" in rule and rule.get("State") != "DISABLED"]
        found = [(rule["ScheduleExpression"], [target["Arn"] for target in rule["Targets"]]) for rule in rules]
        self.assertEqual(found, [("rate(1 hour)", [{"Fn::GetAtt": ["SweepJobs", "Arn"]}])])

    def test_a_worker_that_is_throttled_hears_when_to_come_again(self) -> None:
        answer = self.resources["PrivateApi"]["Properties"]["Body"].get("x-amazon-apigateway-gateway-responses", {}).get("THROTTLED", {})
        self.assertEqual(answer.get("statusCode"), "429")
        self.assertRegex(answer.get("responseParameters", {}).get("gatewayresponse.header.Retry-After", ""), r"^'[1-9]\d*'$")

    def test_errors_of_the_private_api_itself_have_the_shape_of_all_errors(self) -> None:
        answers = self.resources["PrivateApi"]["Properties"]["Body"].get("x-amazon-apigateway-gateway-responses", {})
        for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED"):
            text = answers.get(kind, {}).get("responseTemplates", {}).get("application/json", "")
            error = json.loads(text.replace("$context.error.messageString", '"said by the gateway"') or "{}").get("error", {})
            self.assertEqual(set(error), {"code", "message"}, kind)

    def test_unknown_paths_are_answered_by_a_function(self) -> None:
        paths = self.resources["PublicApi"]["Properties"]["Body"]["paths"]
        self.assertIn("/$default", paths, "the gateway's own 404 has another shape than all errors")

    def test_nothing_needs_the_account_s_one_role_for_logs_of_apis(self) -> None:
        """A fresh account has none, and one of ours would be shared by its environments."""
        self.assertNotIn("AWS::ApiGateway::Account", {resource["Type"] for resource in self.resources.values()})
        for id, stage in self.of_type("AWS::ApiGatewayV2::Stage"):
            is_websocket = self.resources[stage["ApiId"]["Ref"]]["Properties"].get("ProtocolType") == "WEBSOCKET"
            self.assertEqual("AccessLogSettings" in stage, not is_websocket, id)
        for id, stage in self.of_type("AWS::ApiGateway::Stage"):
            self.assertNotIn("AccessLogSetting", stage, id)
            self.assertFalse([each for each in stage.get("MethodSettings", []) if "LoggingLevel" in each], id)

    def test_operators_are_told_what_an_idle_environment_costs(self) -> None:
        idle = [(resource["Type"], resource["Properties"]) for resource in self.resources.values() if resource["Type"] in PRICES]
        # those of S3 and DynamoDB are free, and stand in route tables
        total = sum(PRICES[kind] * (len(given.get("SubnetIds", [])) if kind == "AWS::EC2::VPCEndpoint" else 1) for kind, given in idle)
        self.assertIn(f"costs ${total:.2f} a month", (REPOSITORY / "infra/README.md").read_text(encoding="utf-8"))

    def test_each_is_missed(self) -> None:
        for test, remove in REMOVALS:
            case = ResourcesTest(test)
            case.resources = copy.deepcopy(self.resources)
            remove(case.resources)
            with self.subTest(test), self.assertRaises(AssertionError):
                getattr(case, test)()


def properties(resources: Json, id: str) -> Json:
    return resources[id]["Properties"]


def retried(resources: Json) -> list[str]:
    return properties(resources, "JobMachine")["Definition"]["States"]["RunWorker"]["Retry"][0]["ErrorEquals"]


def unseen_ends(resources: Json) -> list[str]:
    return properties(resources, "SettleJobEnded")["EventPattern"]["detail"]["status"]


def lifecycle(resources: Json) -> list[Json]:
    return properties(resources, "Bucket")["LifecycleConfiguration"]["Rules"]


def throttled(resources: Json) -> Json:
    return properties(resources, "PrivateApi")["Body"]["x-amazon-apigateway-gateway-responses"]


# which test misses it; how it is taken out of the resources
REMOVALS: list[tuple[str, Callable[[Json], Any]]] = [
    ("test_tables_are_on_demand_and_can_be_brought_back", lambda all: properties(all, "JobsTable").pop("BillingMode")),
    ("test_tables_are_on_demand_and_can_be_brought_back", lambda all: properties(all, "ReceiversTable").pop("PointInTimeRecoverySpecification")),
    ("test_records_expire_where_they_say_when", lambda all: properties(all, "SessionsTable").pop("TimeToLiveSpecification")),
    ("test_records_expire_where_they_say_when", lambda all: properties(all, "JobsTable")["TimeToLiveSpecification"].update(Enabled=False)),
    ("test_nothing_of_a_bucket_is_public", lambda all: properties(all, "Bucket").pop("PublicAccessBlockConfiguration")),
    ("test_nothing_of_a_bucket_is_public", lambda all: properties(all, "Bucket")["PublicAccessBlockConfiguration"].pop("IgnorePublicAcls")),
    ("test_uploads_expire_whole_and_in_parts", lambda all: lifecycle(all).pop(0)),
    ("test_uploads_expire_whole_and_in_parts", lambda all: lifecycle(all)[0].update(Prefix="jobs/")),
    ("test_uploads_expire_whole_and_in_parts", lambda all: lifecycle(all)[1].update(Status="Disabled")),
    *(("test_a_launch_without_capacity_or_throttled_is_retried", lambda all, error=error: retried(all).remove(error)) for error in LAUNCH_FAILURES),
    *(("test_every_end_that_an_execution_does_not_see_is_settled", lambda all, end=end: unseen_ends(all).remove(end)) for end in UNSEEN_ENDS),
    ("test_every_end_that_an_execution_does_not_see_is_settled", lambda all: properties(all, "SettleJobEnded")["Targets"].clear()),
    ("test_what_is_left_of_deleted_jobs_is_looked_for_every_hour", lambda all: properties(all, "SweepJobsHourly")["Targets"].clear()),
    ("test_a_worker_that_is_throttled_hears_when_to_come_again", lambda all: throttled(all).pop("THROTTLED")),
    ("test_errors_of_the_private_api_itself_have_the_shape_of_all_errors", lambda all: throttled(all).pop("DEFAULT_4XX")),
    ("test_unknown_paths_are_answered_by_a_function", lambda all: properties(all, "PublicApi")["Body"]["paths"].pop("/$default")),
    ("test_a_worker_that_is_throttled_hears_when_to_come_again", lambda all: throttled(all)["THROTTLED"]["responseParameters"].clear()),
    ("test_nothing_needs_the_account_s_one_role_for_logs_of_apis", lambda all: properties(all, "RealtimeStage").update(AccessLogSettings={})),
    ("test_nothing_needs_the_account_s_one_role_for_logs_of_apis", lambda all: properties(all, "PublicApiApiGatewayDefaultStage").pop("AccessLogSettings")),
    ("test_operators_are_told_what_an_idle_environment_costs", lambda all: all.update(Another=all["ServiceKeys"])),
    ("test_operators_are_told_what_an_idle_environment_costs", lambda all: properties(all, "EventsEndpoint")["SubnetIds"].append("another")),
    ("test_nothing_needs_the_account_s_one_role_for_logs_of_apis", lambda all: all.update(Shared={"Type": "AWS::ApiGateway::Account", "Properties": {}})),
]


if __name__ == "__main__":
    unittest.main()
