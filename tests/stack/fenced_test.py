"""What is late, double or from outside: workers of older attempts, second tasks of one attempt, executions stopped, settlements asked for again."""

import json
import os
import random
import signal
import subprocess
import time
import unittest
from pathlib import Path

from gate import Gate
from harness import JOBS, WORKER, StackTestCase, until
from material import Sources

CLIPS = [f"clips/clip_0{clip}.mp4" for clip in (0, 1)]
# nobody tells this worker anything: no events, and a signal reaches only the script before it
DEAF = 'unset API_BASE_URL; trap "" TERM; {worker} "$@" & echo $! > {file}; wait; wait; exit'


class FencedTest(StackTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sources = Sources(cls.talk)
        cls.addClassCleanup(cls.sources.close)
        cls.gate = Gate(cls.stack.addresses["endpoint"])
        cls.addClassCleanup(cls.gate.close)
        cls.worker.rule(f"export AWS_ENDPOINT_URL={cls.gate.url}")

    def held(self):
        """A job whose worker stands still in its download."""
        self.sources.let_go.clear()
        job = self.user.submit(videoUrl=self.sources.url("held"))
        self.assertTrue(self.sources.asked.acquire(timeout=30))
        self.user.attempt(job, 1, "running")
        return job

    def cancel(self, job):
        self.assertEqual(200, self.user.call("POST", f"{JOBS}/{job}/cancel")[0])

    def ended_by_itself(self, pid, seconds):
        until(lambda: not Path(f"/proc/{pid}").exists(), seconds, "the end of the old worker")

    # --- two workers at once

    def test_canceled_and_tried_again_while_the_old_worker_still_runs(self):
        """The old worker is stopped, as a machine may be, before it hears of anything, and goes on when the new one is at work."""
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        until(lambda: self.stack.has(job, CLIPS[0]), 90, "the first clip", 0.02)
        old = self.stack.process_of(job, 1)
        os.kill(old, signal.SIGSTOP)
        self.cancel(job)
        self.assertEqual(202, self.user.call("POST", f"{JOBS}/{job}/retry")[0])
        self.user.attempt(job, 2, "running")
        os.kill(old, signal.SIGCONT)
        began = time.monotonic()
        self.assertEqual(0, self.stack.ended_task(job, 1, 10)["exit_code"])
        print(f"an old worker that was stopped ends {time.monotonic() - began:.1f} s after it goes on")
        self.assertEqual(("succeeded", 2), tuple(self.user.end(job)[name] for name in ("status", "attempt")))
        objects = self.stack.objects(job)
        self.assertEqual(["1", "2"], [objects[clip]["attempt"] for clip in CLIPS], "the first was finished, the second not")
        self.assertEqual(2, len(self.user.get(job)["clips"]))

    def deaf(self, job, attempt):
        """Makes the next worker of a job one that hears of nothing; gives the file that will have its process."""
        file = self.worker.path.with_name(f"{job}-{attempt}.pid")
        self.worker.rule(DEAF.format(worker=WORKER, file=file), job, attempt)
        return file

    def test_an_old_worker_that_hears_of_nothing_changes_nothing(self):
        """Three plans: both clips; one clip, another end, by a worker that hears nothing; both clips again, while it is about to write."""
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        self.assertEqual("succeeded", self.user.end(job)["status"])
        plan = json.loads(self.stack.read(job, "plan.json"))
        for held_at in ("PUT /[^/]+/jobs/{job}/editions/[0-9]+/clips/clip_00.vtt", "GET /[^/]+/?\\?.*prefix=jobs(/|%2F){job}"):
            with self.subTest(held_at):
                self.overtaken(job, plan, held_at.format(job=job))

    def overtaken(self, job, plan, held_at):
        both = plan["clips"]
        one = [both[0] | {"end_ms": both[0]["end_ms"] - 200}]  # the second clip is not wanted any more
        old, new = self.user.get(job)["attempt"] + 1, self.user.get(job)["attempt"] + 2
        process = self.deaf(job, old)
        hold = self.gate.hold(held_at)
        self.addCleanup(hold.release)
        self.assertEqual(202, self.user.call("PUT", f"{JOBS}/{job}/plan", plan | {"clips": one})[0])
        hold.wait()
        pid = int(process.read_text())
        self.cancel(job)
        self.assertEqual(202, self.user.call("PUT", f"{JOBS}/{job}/plan", plan | {"clips": both})[0])
        self.user.attempt(job, new, "succeeded", 60)
        # each works on an edition of its own; that of the first, which came to nothing, is being deleted
        folder = f"editions/{new}/"
        objects = {name: each for name, each in self.stack.objects(job).items() if name.startswith(folder)}
        before = objects, self.stack.record(job)
        self.assertTrue(Path(f"/proc/{pid}").exists(), "the old worker is still there")
        hold.release()
        self.ended_by_itself(pid, 20)
        after = self.stack.objects(job)
        self.assertEqual([], [name for name in before[0] if before[0][name] != after.get(name)], "changed or gone")
        self.assertEqual(before[1], self.stack.record(job))
        wanted = [f"{folder}{name}" for name in (*CLIPS, "plan.json")]
        self.assertEqual([str(new)] * 3, [before[0][name]["attempt"] for name in wanted])

    def test_what_an_old_worker_replaces_at_the_last_moment_is_put_right(self):
        """Its write was on the way when it was overtaken: it had seen no later attempt, and replaces what that one has taken."""
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        # the owner has nothing yet, so that all attempts work at the same place
        in_the_second_clip = self.gate.hold(f"PUT /[^/]+/jobs/{job}/clips/clip_01")
        in_the_second_clip.wait(90)
        self.cancel(job)
        in_the_second_clip.lose()
        self.stack.ended_task(job, 1, 20)
        plan, before = json.loads(self.stack.read(job, "plan.json")), self.stack.objects(job)
        self.assertIn(CLIPS[0], before)
        self.deaf(job, 2)
        name = "clips/clip_00.vtt"
        put = f"PUT /[^/]+/jobs/{job}/{name}"
        on_condition_that_none_is_there, in_place_of_the_old = self.gate.hold(put), self.gate.hold(put)
        other_end = [plan["clips"][0] | {"end_ms": plan["clips"][0]["end_ms"] - 1500}]
        self.assertEqual(202, self.user.call("PUT", f"{JOBS}/{job}/plan", plan | {"clips": other_end})[0])
        on_condition_that_none_is_there.wait()
        on_condition_that_none_is_there.release()
        in_place_of_the_old.wait()
        self.cancel(job)
        has_taken_the_first = self.gate.hold(f"HEAD /[^/]+/jobs/{job}/clips/clip_01")
        self.assertEqual(202, self.user.call("PUT", f"{JOBS}/{job}/plan", plan)[0])
        has_taken_the_first.wait()
        in_place_of_the_old.release()
        until(lambda: self.stack.objects(job)[name]["attempt"] == "2", 20, "the old worker's write")
        has_taken_the_first.release()
        self.assertEqual("succeeded", self.user.attempt(job, 3, "succeeded", 60)["status"])
        after = self.stack.objects(job)
        for each in before:
            if each.startswith("clips/"):
                self.assertEqual((before[each]["etag"], before[each]["made-from"]), (after[each]["etag"], after[each]["made-from"]), each)
        self.assertEqual("3", after[name]["attempt"])

    def test_a_second_task_of_an_attempt_has_no_effect(self):
        job = self.held()
        environment = dict(line.split("=", 1) for line in Path(f"/proc/{self.stack.process_of(job, 1)}/environ").read_text().split("\0") if line)
        before = self.stack.record(job)
        for attempt in ("1", "2"):
            second = subprocess.run([WORKER, "task"], env=environment | {"ATTEMPT": attempt}, timeout=30, stdout=subprocess.PIPE, text=True)
            self.assertEqual(0, second.returncode)
            self.assertIn("not ours", second.stdout)
        after = self.stack.record(job)
        self.assertEqual(before["claimed_by"], after["claimed_by"])
        self.assertEqual(({}, "running"), (self.stack.objects(job), after["status"]))
        # nor does a task of a job that is gone
        environment["JOB_ID"] = "0193aaaa-0000-7000-8000-000000000000"
        self.assertEqual(0, subprocess.run([WORKER, "task"], env=environment, timeout=30, stdout=subprocess.DEVNULL).returncode)
        self.cancel(job)
        self.assertEqual(0, self.stack.ended_task(job, 1, 20)["exit_code"], "the canceled worker ends")

    # --- the end of an execution, again and from outside

    def test_an_execution_stopped_from_outside_is_followed_by_the_next_attempt(self):
        job = self.held()
        self.stack.client("stepfunctions").stop_execution(executionArn=self.stack.execution(job, 1))
        began = time.monotonic()
        self.user.attempt(job, 2, "running")
        print(f"next attempt {time.monotonic() - began:.1f} s after an execution was stopped from outside")
        self.assertEqual(0, self.stack.ended_task(job, 1, 20)["exit_code"])
        self.assertEqual(("failed", True), tuple(self.stack.outcome(job, 1)[name] for name in ("status", "retryable")))
        self.settled_again(job, [1], 2)
        self.sources.let_go.set()
        self.assertEqual(("succeeded", 2), tuple(self.user.end(job)[name] for name in ("status", "attempt")))
        self.settled_again(job, [1, 2, 3], 2)

    def settled_again(self, job, attempts, current):
        """Settlements of these attempts, again and again and in any order, change nothing."""
        before = self.stack.record(job), self.stack.objects(job)
        events = [{"job_id": job, "attempt": attempt} for attempt in attempts]
        events += [{"detail-type": "Step Functions Execution Status Change", "detail": {"name": f"{job}-{attempt}", "status": status}}
                   for attempt in attempts for status in ("FAILED", "TIMED_OUT", "ABORTED")]
        events *= 2
        random.Random(1).shuffle(events)
        for event in events:
            self.assertEqual(False, self.stack.invoke("settle-job", event)["changed"], event)
        running = {"progress_percent", "progress_stage", "current_step", "last_sequence", "updated_at"}
        if before[0]["status"] == "running":
            before[0].update({name: value for name, value in self.stack.record(job).items() if name in running})
        self.assertEqual(before, (self.stack.record(job), self.stack.objects(job)))
        self.assertEqual(str(current), before[0]["attempt"])


if __name__ == "__main__":
    unittest.main()
