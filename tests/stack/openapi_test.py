"""The running API does what its own description says: schemathesis with both kinds of credentials, for any ids and for those of a real job."""

import json
import subprocess
import tempfile
import unittest
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import Stack
from material import REPOSITORY

SCHEMATHESIS = REPOSITORY / ".cache" / "venvs" / "deploy" / "bin" / "schemathesis"
# fails at once: what is submitted here is not to be worked on
NO_WORKER = "#!/bin/sh\nexit 1\n"
NOT_CHECKED = (
    "unsupported_method",  # API Gateway answers 404 itself
    "positive_data_acceptance",  # rules between fields, such as exactly one source, are not in a schema
)
EXAMPLES = 10


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

    def jobs(self):
        """A job of the user and one of the service, at their end."""
        mine = self.user.submit(videoUrl="http://127.0.0.1:9/talk.mp4")
        body = json.dumps({"video_url": "http://127.0.0.1:9/talk.mp4"}).encode()
        headers = {"x-api-key": self.stack.addresses["service_key"], "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.stack.addresses['api']}/ai-clipping/jobs", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            theirs = json.load(answer)["job_id"]
        self.assertEqual("failed", self.user.end(mine)["status"])
        return mine, theirs

    def schemathesis(self, name, *more, parameters=None):
        """Runs it in a folder of its own, as it leaves files behind."""
        folder, api = self.folder / name, self.stack.addresses["api"]
        folder.mkdir()
        config = "".join(f"{key} = {json.dumps(value)}\n" for key, value in (parameters or {}).items())
        (folder / "schemathesis.toml").write_text(f"[parameters]\n{config}")
        command = [str(SCHEMATHESIS), "run", f"{api}/api/openapi.json", f"--url={api}", f"--max-examples={EXAMPLES}", "--seed=1", "--phases=coverage,fuzzing"]
        command += ["-H", f"Authorization: Bearer {self.user.token}", "-H", f"x-api-key: {self.stack.addresses['service_key']}"]
        command += [f"--exclude-checks={','.join(NOT_CHECKED)}", "--workers=1", *more]
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)

    def test_what_is_described_is_what_is_answered(self):
        mine, theirs = self.jobs()
        real = ("--include-path-regex=jobs/.id|/ai-clipping/jobs/", "--exclude-method=DELETE")
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(self.schemathesis, "any"), pool.submit(self.schemathesis, "real", *real, parameters={"id": mine, "job_id": theirs})]
        for run in runs:
            self.assertEqual(0, run.result().returncode, run.result().stdout[-6000:])
        self.assertIn("13 selected", runs[0].result().stdout)
        self.assertNotIn("Missing test data", runs[1].result().stdout)


if __name__ == "__main__":
    unittest.main()
