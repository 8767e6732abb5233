"""No event ever arrives: a job still ends right, from its outcome, within 120 s after its task; and workers that cannot even be started."""

import http.server
import json
import threading
import time
import unittest
from datetime import datetime

from harness import JOBS, StackTestCase, until
from material import Sources

LIMIT_S = 120


class Refusing(http.server.BaseHTTPRequestHandler):
    """An events API that has to be waited for every time; of some jobs it says that there are no such."""

    def do_POST(self):
        self.server.asked += 1
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(404 if event["job_id"] in self.server.unknown else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class EventsLostTest(StackTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sources = Sources(cls.talk)
        cls.addClassCleanup(cls.sources.close)
        cls.refusing = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        cls.refusing.asked = 0
        cls.refusing.unknown = set()
        cls.addClassCleanup(cls.refusing.server_close)
        cls.addClassCleanup(cls.refusing.shutdown)
        threading.Thread(target=cls.refusing.serve_forever, daemon=True).start()
        cls.worker.rule(f'export API_BASE_URL=http://127.0.0.1:{cls.refusing.server_port}')

    def settled_after(self, job):
        """Seconds from the end of the task, and from the outcome before it, to the end of the job as anybody sees it."""
        view = self.user.end(job, 60 + LIMIT_S)
        seen = time.time()
        ended = self.stack.ended_task(job, 1)["time"]
        outcome = datetime.fromisoformat(self.stack.outcome(job, 1)["finished_at"]).timestamp()
        updated = datetime.fromisoformat(view["updatedAt"]).timestamp()
        print(f"all events lost: {view['status']} {updated - ended:.1f} s after the task's end, {updated - outcome:.1f} s after its outcome")
        self.assertLess(seen - outcome, LIMIT_S)
        self.assertNotIn("last_sequence", self.stack.record(job), "no event arrived")
        return view

    def test_a_job_ends_right_from_its_outcome(self):
        good, bad = (self.user.submit(videoUrl=self.sources.url(kind)) for kind in ("talk", "text"))
        view = self.settled_after(bad)
        self.assertEqual(("failed", "source_unsupported", 1), (view["status"], view["errorCode"], view["attempt"]))
        self.assertTrue(view["errorMessage"])
        view = self.settled_after(good)
        self.assertEqual(("succeeded", 1, 100), (view["status"], view["attempt"], view["progressPercent"]))
        self.assertEqual((2, 2, 1), (view["clipsCompleted"], len(view["clips"]), view["creditsCharged"]))
        self.assertEqual(("My talk", self.stack.outcome(good, 1)["finished_at"]), (view["source"]["title"], view["finishedAt"]))
        self.assertTrue(all(clip["videoUrl"] for clip in view["clips"]))
        self.assertGreaterEqual(self.refusing.asked, 10, "both ends are tried four times, both starts at least once")

    def test_what_answers_that_there_is_no_such_job_does_not_end_it(self):
        job = self.user.submit(videoUrl=self.sources.url("talk", "unknown"))
        self.refusing.unknown.add(job)
        view = self.user.end(job)
        self.assertEqual(("succeeded", 1), (view["status"], view["attempt"]), self.stack.log(job, 1))
        self.assertIn("the receiver of events is wrong about the job", self.stack.log(job, 1))

    def test_a_task_that_never_starts_uses_the_attempts_up(self):
        hidden = self.worker.path.with_name("hidden")
        self.worker.path.rename(hidden)
        self.addCleanup(lambda: hidden.exists() and hidden.rename(self.worker.path))
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        view = self.user.end(job, 60)
        self.assertEqual(("failed", "internal", 3), (view["status"], view["errorCode"], view["attempt"]))
        self.assertTrue(view["errorMessage"])
        self.assertIsNone(view["creditsCharged"])
        self.assertEqual([], self.stack.tasks(job, 1), "no process began")
        # a person may have it tried again, with a fresh count
        self.assertEqual(202, self.user.call("POST", f"{JOBS}/{job}/retry")[0])
        until(lambda: self.user.get(job)["attempt"] == 6 and self.user.get(job)["status"] == "failed", 60, "three more attempts")


if __name__ == "__main__":
    unittest.main()
