"""The template and the Rust code agree, both ways: binaries, routes, environment variables and permissions."""

from __future__ import annotations

import copy
import json
import re
import tomllib
import unittest
from typing import Any, Callable

import rust
from source import REPOSITORY, Json, functions, listed, load, resource_of, routes, statements

# the template's name for what a store holds; of secrets, each function has one
STORES = {
    "Admissions": "AdmissionsTable",
    "Bucket": "Bucket",
    "ClientConnections": "RealtimeApi",
    "DeadLetterQueue": "Undelivered",
    "DeliveryTable": "DeliveriesTable",
    "Executions": "JobMachine",
    "JobTable": "JobsTable",
    "ListenerTable": "ListenersTable",
    "Queue": "CallbackQueue",
    "ReceiverTable": "ReceiversTable",
    "SecretStore": "secret",
    "SessionTable": "SessionsTable",
    "ShareTable": "SharesTable",
    "UploadTable": "UploadsTable",
}
# what Lambda itself does in a function's name: reads the stream and the queue, sends on what it could not deliver
OF_LAMBDA = {
    *(("JobsTable", f"dynamodb:{action}") for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")),
    *(("CallbackQueue", f"sqs:{action}") for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")),
}
# variables that Lambda sets, and those of the command-line tool
NOT_OF_THE_TEMPLATE = ("AWS_", "CLIPWRIGHT_")


def powers_of(template: Json, role: str) -> set[rust.Power]:
    """What a role may do to what the code knows: resource, action, index."""
    found = set()
    for statement in statements(template["Resources"][role]):
        for reference in listed(statement["Resource"]):
            name, path = resource_of(reference)
            if template["Resources"][name]["Type"] == "AWS::SecretsManager::Secret":
                name = "secret"
            index = path if path.startswith("index/") else ""
            found |= {(name, action, index) for action in listed(statement["Action"]) if (name, action) not in OF_LAMBDA}
    return found


def as_in_template(powers: set[rust.Power]) -> set[rust.Power]:
    return {(STORES[store], action, index) for store, action, index in powers}


def of_the_template(variables: set[str]) -> set[str]:
    return {name for name in variables if not name.startswith(NOT_OF_THE_TEMPLATE)}


class AgreementTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.template = load()
        cls.functions = functions(cls.template)

    def test_binaries(self) -> None:
        self.assertEqual(set(self.functions), rust.binaries())

    def test_names_of_functions_are_those_of_their_binaries(self) -> None:
        for binary, function in self.functions.items():
            self.assertTrue(function["Properties"]["FunctionName"]["Fn::Sub"].endswith(f"-{binary}"), binary)

    def test_every_row_of_the_table_of_routes_is_read(self) -> None:
        """The table says how many rows it has."""
        (count,) = re.findall(r"static ROUTES: \[Route; (\d+)\]", (rust.FUNCTIONS / "routes.rs").read_text(encoding="utf-8"))
        self.assertEqual(2 * int(count), len(rust.routes()))

    def test_routes(self) -> None:
        found = {(binary, method, path) for binary, function in self.functions.items() for method, path, _ in routes(function)}
        self.assertEqual(found, {(route.binary, route.method, route.path) for route in rust.routes()})

    def test_routes_have_the_authorizer_of_their_caller(self) -> None:
        callers = {(route.method, route.path): route.caller for route in rust.routes()}
        for function in self.functions.values():
            for method, path, properties in routes(function):
                is_private, is_open = "RestApiId" in properties, properties.get("Auth") == {"Authorizer": "NONE"}
                allowed = {"Worker"} if is_private else {"Service", "Anyone"} if is_open else {"User"}
                self.assertIn(callers[method, path], allowed, f"{method} {path}")

    def test_throttling_of_routes(self) -> None:
        settings = self.template["Resources"]["PublicApi"]["Properties"]["RouteSettings"]
        found = {route: (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) for route, limits in settings.items()}
        self.assertEqual(found, {f"{route.method} {route.path}": route.throttling for route in rust.routes() if route.throttling})

    def test_variables_of_functions(self) -> None:
        common = set(self.template["Globals"]["Function"]["Environment"]["Variables"])
        for binary, function in self.functions.items():
            with self.subTest(binary):
                given = set(function["Properties"]["Environment"]["Variables"])
                self.assertEqual(given | common, of_the_template(rust.variables(binary)))

    def test_variables_of_the_worker(self) -> None:
        (container,) = self.template["Resources"]["WorkerTask"]["Properties"]["ContainerDefinitions"]
        machine = json.loads((REPOSITORY / "infra/state_machine.asl.json").read_text(encoding="utf-8"))
        (override,) = machine["States"]["RunWorker"]["Parameters"]["Overrides"]["ContainerOverrides"]
        given = {each["Name"] for each in container["Environment"] + container["Secrets"] + override["Environment"]}
        self.assertEqual(given, of_the_template(rust.worker_variables()))

    def test_permissions_of_functions(self) -> None:
        for binary, function in self.functions.items():
            with self.subTest(binary):
                role, _ = resource_of(function["Properties"]["Role"])
                self.assertEqual(powers_of(self.template, role), as_in_template(rust.powers(binary)))

    def test_permissions_of_the_worker(self) -> None:
        self.assertEqual(powers_of(self.template, "WorkerRole"), as_in_template(rust.worker_powers()))

    def test_what_is_decided_on_is_read_as_it_is_now(self) -> None:
        """Only the list of jobs, and the deleted jobs to be swept, come from an index, which lags behind: nothing is decided by the list,
        and a job that the sweep does not see yet it sees an hour later."""
        self.assertEqual(rust.lagging_reads(), {("query", "index/owner-created"), ("list_deleted", "index/deleted")})

    def test_a_panic_is_answered(self) -> None:
        """With another strategy the runtime could not answer for a function that panics."""
        profiles = tomllib.loads((REPOSITORY / "Cargo.toml").read_text(encoding="utf-8"))["profile"]
        self.assertEqual([], [name for name, profile in profiles.items() if profile.get("panic", "unwind") != "unwind"])

    def test_a_function_may_read_the_secret_that_it_is_told_of(self) -> None:
        for binary, function in self.functions.items():
            role, _ = resource_of(function["Properties"]["Role"])
            may = statements(self.template["Resources"][role])
            named = {resource_of(each)[0] for statement in may for each in listed(statement["Resource"])}
            for name, value in function["Properties"]["Environment"]["Variables"].items():
                if name in ("SERVICE_KEYS", "WEBHOOK_SECRET"):
                    self.assertIn(value["Ref"], named, binary)

    def test_each_disagreement_is_found(self) -> None:
        for test, disagree in DISAGREEMENTS:
            case = AgreementTest(test)
            case.template = copy.deepcopy(self.template)
            case.functions = functions(case.template)
            disagree(case.template["Resources"])
            with self.subTest(test), self.assertRaises(AssertionError):
                getattr(case, test)()


def variables_of(resources: Json, function: str) -> Json:
    return resources[function]["Properties"]["Environment"]["Variables"]


def route_of(resources: Json, function: str, event: str) -> Json:
    return resources[function]["Properties"]["Events"][event]["Properties"]


def throttling(resources: Json) -> Json:
    return resources["PublicApi"]["Properties"]["RouteSettings"]


def own_statements(resources: Json, role: str) -> list[Json]:
    return resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]


PUT_JOB = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": {"Ref": "JobsTable"}}
# which test finds it; what is done to the resources
DISAGREEMENTS: list[tuple[str, Callable[[Json], Any]]] = [
    ("test_routes", lambda template: route_of(template, "ManageJobs", "Get").update(Path="/ai-clipping-agent/job/{id}")),
    ("test_routes", lambda template: route_of(template, "ManageJobs", "EditPlan").update(Method="PATCH")),
    ("test_routes", lambda template: template["IngestWebhook"]["Properties"]["Events"].pop("EventApi")),
    ("test_routes_have_the_authorizer_of_their_caller", lambda template: route_of(template, "ManageJobs", "List").update(Auth={"Authorizer": "NONE"})),
    ("test_routes_have_the_authorizer_of_their_caller", lambda template: route_of(template, "ManageJobs", "Health").pop("Auth")),
    ("test_throttling_of_routes", lambda template: throttling(template).pop("POST /ai-clipping/jobs")),
    ("test_throttling_of_routes", lambda template: throttling(template)["POST /ai-clipping/jobs"].update(ThrottlingBurstLimit=1)),
    ("test_variables_of_functions", lambda template: variables_of(template, "SettleJob").pop("BUCKET")),
    ("test_variables_of_functions", lambda template: variables_of(template, "StartJob").update(BUCKET="unused")),
    ("test_variables_of_the_worker", lambda template: template["WorkerTask"]["Properties"]["ContainerDefinitions"][0]["Secrets"].clear()),
    ("test_permissions_of_functions", lambda template: own_statements(template, "SettleJobRole").pop(0)),
    ("test_permissions_of_functions", lambda template: own_statements(template, "StartJobRole").append(PUT_JOB)),
    ("test_permissions_of_the_worker", lambda template: own_statements(template, "WorkerRole").pop()),
    ("test_a_function_may_read_the_secret_that_it_is_told_of",
     lambda template: variables_of(template, "IngestWebhook").update(WEBHOOK_SECRET={"Ref": "ServiceKeys"})),
]


if __name__ == "__main__":
    unittest.main()
