"""The running API does what its own description says: schemathesis with both kinds of credentials, for any ids and for those of a real job."""

import json
import subprocess
import tempfile
import unittest
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import JOBS, Stack, until
from material import REPOSITORY

SCHEMATHESIS = REPOSITORY / ".cache" / "venvs" / "deploy" / "bin" / "schemathesis"
# fails at once: what is submitted here is not to be worked on
NO_WORKER = "#!/bin/sh\nexit 1\n"
NOT_CHECKED = (
    "unsupported_method",  # a path and method that are not there together are answered with 404
    "positive_data_acceptance",  # rules between fields, such as exactly one source, are not in a schema
)
METHODS = ("get", "put", "post", "delete", "patch")
EXAMPLES = 10
AGENT = "/api/ai-clipping-agent"
# what there is in place of what schemathesis makes up
REAL = """
[parameters]
id = {0}
job_id = {1}

[[operations]]
include-path = "/api/ai-clipping-agent/deliveries/{{id}}/replay"
parameters = {{ id = {2} }}

[[operations]]
include-path = "/ai-clipping/deliveries/{{id}}/replay"
parameters = {{ id = {3} }}
"""


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        worker = cls.folder / "worker"
        worker.write_text(NO_WORKER)
        worker.chmod(0o755)
        cls.stack = Stack("--parameter=MaxActiveJobs=4", worker=worker)
        cls.addClassCleanup(cls.stack.stop)
        cls.user = cls.stack.user()

    def service(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self.stack.addresses["service_key"], "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.stack.addresses['api']}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def jobs(self):
        """A job of the user and one of the service, at their end, and what is owed to the addresses that they named."""
        video, hook = "http://127.0.0.1:9/talk.mp4", "http://127.0.0.1:9/hook"
        self.assertEqual(201, self.user.call("POST", f"{AGENT}/callback-secrets")[0])
        mine = self.user.submit(videoUrl=video, callbackUrl=hook)
        theirs = self.service("/ai-clipping/jobs", {"video_url": video, "callback_url": hook})["job_id"]
        self.assertEqual("failed", self.user.end(mine)["status"])
        my_owed = until(lambda: self.user.call("GET", f"{JOBS}/{mine}/deliveries")[1]["deliveries"], what="a delivery")
        their_owed = until(lambda: self.service(f"/ai-clipping/jobs/{theirs}/deliveries")["deliveries"], what="a delivery of the service")
        return mine, theirs, my_owed[0]["id"], their_owed[0]["id"]

    def document(self):
        """The file of the description: from its address, schemathesis would leave that one out."""
        file = self.folder / "openapi.json"
        with urllib.request.urlopen(f"{self.stack.addresses['api']}/api/openapi.json", timeout=30) as answer:
            file.write_bytes(answer.read())
        return file

    def schemathesis(self, name, document, *more, config=""):
        """Runs it in a folder of its own, as it leaves files behind."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "schemathesis.toml").write_text(config)
        command = [str(SCHEMATHESIS), "run", str(document), f"--url={self.stack.addresses['api']}"]
        command += [f"--max-examples={EXAMPLES}", "--seed=1", "--phases=coverage,fuzzing"]
        command += ["-H", f"Authorization: Bearer {self.user.token}", "-H", f"x-api-key: {self.stack.addresses['service_key']}"]
        command += [f"--exclude-checks={','.join(NOT_CHECKED)}", "--workers=1", *more]
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)

    def test_what_is_described_is_what_is_answered(self):
        document = self.document()
        config = REAL.format(*map(json.dumps, self.jobs()))
        real = ("--include-path-regex=jobs/.id|/ai-clipping/jobs/|deliveries/", "--exclude-method=DELETE")
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(self.schemathesis, "any", document), pool.submit(self.schemathesis, "real", document, *real, config=config)]
        for run in runs:
            self.assertEqual(0, run.result().returncode, run.result().stdout[-6000:])
        described = sum(method in METHODS for operations in json.loads(document.read_text())["paths"].values() for method in operations)
        self.assertIn(f"{described} selected", runs[0].result().stdout)
        self.assertIn(f"Tested: {described}", runs[0].result().stdout)
        self.assertNotIn("Missing test data", runs[1].result().stdout)


if __name__ == "__main__":
    unittest.main()
