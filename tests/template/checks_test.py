"""The checks find what is wrong: each error here is seeded into a copy of the template."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path

import checks
from source import REPOSITORY, TEMPLATE, transformed

MACHINE = "infra/state_machine.asl.json"

# what is wrong; in which file; the text in place of which other one; how it is found. All of a list are seeded at once
BEFORE_TRANSFORM = [
    ("event that does not exist", TEMPLATE.name, "Type: EventBridgeRule", "Type: EventBridgeRules", r"sam validate: .*SettleJob.*Ended"),
    ("property of a function that does not exist", TEMPLATE.name,
     "FunctionName: !Sub clipwright-${Environment}-start-job", "FunctionNames: x", r"sam validate: .*FunctionNames"),
]
AFTER_TRANSFORM = [
    ("property that does not exist", TEMPLATE.name, "BillingMode:", "BilingMode:", r"cfn-lint: E3002 .*BilingMode"),
    ("value that does not exist", TEMPLATE.name, "RetentionInDays: 30", "RetentionInDays: 31", r"cfn-lint: E3030 31"),
    ("number outside its range", TEMPLATE.name, "    Timeout: 29", "    Timeout: 29000", r"cfn-lint: E3034 29000"),
    ("reference to nothing", TEMPLATE.name, "BUCKET: !Ref Bucket\n", "BUCKET: !Ref Buckett\n", r"cfn-lint: E\d+ 'Buckett'"),
    ("attribute that does not exist", TEMPLATE.name, "!GetAtt ApiLogs.Arn", "!GetAtt ApiLogs.Name", r"cfn-lint: E1010 'Name'"),
    ("index on an undefined attribute", TEMPLATE.name, "        - {AttributeName: owner, AttributeType: S}\n", "", r"cfn-lint: E3039 .*owner"),
    ("resources that wait for each other", TEMPLATE.name,
     "    Type: AWS::ECS::Cluster\n", "    Type: AWS::ECS::Cluster\n    DependsOn: JobMachine\n", r"cfn-lint: E3004 "),
    ("rule about a parameter that is not there", TEMPLATE.name,
     "[!Ref AllowUnsignedEvents", "[!Ref AllowUnsigned", r"cfn-lint: E\d+ 'AllowUnsigned'"),
    ("statement of nothing", TEMPLATE.name,
     "              - {Effect: Allow, Action: states:", "              -\n              - {Effect: Allow, Action: states:",
     r"transform: nothing at .*/Statement"),
    ("state that is not there", MACHINE, '"Next": "Settle"', '"Next": "Setle"', r"state machine: RunWorker: leads to Setle"),
    ("field of a state that does not exist", MACHINE,
     '"ResultPath": null,\n      "Retry"', '"ResultPaths": "$.x",\n      "Retry"', r"state machine: RunWorker: no such field: ResultPaths"),
    ("type of a state that does not exist", MACHINE, '"Type": "Task"', '"Type": "Job"', r"cfn-lint: E3601 'Job'"),
    ("placeholder that is not put in", MACHINE, "${Cluster}", "${Kluster}", r"state machine: Kluster is not put in"),
]
INSECURE = {
    "CKV_AWS_28": ("PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"),
    "CKV_AWS_51": ("ImageTagMutability: IMMUTABLE", "ImageTagMutability: MUTABLE"),
    "CKV_AWS_53": ("BlockPublicAcls: true", "BlockPublicAcls: false"),
    "CKV_AWS_111": ("Action: dynamodb:UpdateItem, Resource: !GetAtt JobsTable.Arn", 'Action: dynamodb:UpdateItem, Resource: "*"'),
}


class ChecksTest(unittest.TestCase):
    def copy(self) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        (root / "infra").mkdir()
        for name in (TEMPLATE.name, MACHINE):
            shutil.copy(REPOSITORY / name, root / name)
        return root

    def seed(self, file: Path, old: str, new: str) -> None:
        text = file.read_text(encoding="utf-8")
        self.assertIn(old, text)
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def test_nothing_is_found_in_the_template(self) -> None:
        self.assertEqual(checks.check(TEMPLATE), [])

    def test_each_seeded_error_is_found(self) -> None:
        for seeds in (BEFORE_TRANSFORM, AFTER_TRANSFORM):
            root = self.copy()
            for _, file, old, new, _ in seeds:
                self.seed(root / file, old, new)
            found = "\n".join(checks.check(root / TEMPLATE.name))
            for what, _, _, _, expected in seeds:
                with self.subTest(what):
                    self.assertRegex(found, f"(?s){expected}")

    def test_checkov_finds_what_is_insecure_and_nothing_else(self) -> None:
        root = self.copy()
        for old, new in INSECURE.values():
            self.seed(root / TEMPLATE.name, old, new)
        found = {line.split()[1] for line in checks.checkov(transformed(root / TEMPLATE.name))}
        self.assertEqual(found, set(INSECURE))


if __name__ == "__main__":
    unittest.main()
