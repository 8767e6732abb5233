"""Workers that are killed in each stage, or told to stop: the next attempt goes on from what is finished, and the clips are the same."""

import os
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from gate import Gate
from harness import JOBS, StackTestCase, until
from material import Sources, decoded

STAGES = ("download", "transcribe", "plan", "render")
CLIPS = tuple(f"clips/clip_0{clip}.{kind}" for clip in (0, 1) for kind in ("mp4", "srt", "vtt", "jpg"))
LAST_WORDS_S = 20


class KilledTest(StackTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sources = Sources(cls.talk)
        cls.addClassCleanup(cls.sources.close)
        cls.gate = Gate(cls.stack.addresses["endpoint"])
        cls.addClassCleanup(cls.gate.close)
        cls.worker.rule(f"export AWS_ENDPOINT_URL={cls.gate.url}")

    def kill(self, job, attempt, number=signal.SIGKILL):
        os.kill(self.stack.process_of(job, attempt), number)
        ended = self.stack.ended_task(job, attempt)
        self.assertEqual(128 + number if number == signal.SIGKILL else 0, ended["exit_code"])

    def at(self, job, call):
        """Waits until the worker makes a call about an object of the job, and holds it there."""
        hold = self.gate.hold(rf"{call.split()[0]} /[^/]+/jobs/{job}/{call.split()[1]}")
        hold.wait(90)
        return hold

    def stages(self, job, attempt):
        """The stages of an attempt, and whether it took their outputs as they were."""
        return {stage["stage"]: stage["reused"] for stage in self.stack.outcome(job, attempt)["stages"]}

    def undisturbed(self):
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        self.assertEqual("succeeded", self.user.end(job)["status"])
        self.assertEqual(dict.fromkeys(STAGES, False), self.stages(job, 1))
        return job

    def killed_in_download_and_transcription(self):
        job = self.user.submit(videoUrl=self.sources.url("held"))
        self.assertTrue(self.sources.asked.acquire(timeout=30))
        self.kill(job, 1)
        self.user.attempt(job, 2, "running")
        self.assertTrue(self.sources.asked.acquire(timeout=30))
        self.sources.let_go.set()
        held = self.at(job, "PUT transcript.json")
        self.kill(job, 2)
        held.lose()
        self.assertEqual([], self.gate.written(job), "nothing was finished yet")
        self.assertEqual("succeeded", self.user.end(job)["status"])
        self.assertEqual(dict.fromkeys(STAGES, False), self.stages(job, 3))
        return job

    def killed_in_planning_and_rendering(self):
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        held = self.at(job, "PUT plan.json")
        self.kill(job, 1)
        held.lose()
        self.assertEqual({"transcript.json"}, set(self.gate.written(job)))
        before = len(self.gate.calls)
        until(lambda: self.stack.has(job, "clips/clip_00.mp4"), 90, "the first clip", 0.02)
        self.kill(job, 2)
        self.assertFalse(self.stack.has(job, "clips/clip_01.mp4"), "the second clip was under way")
        self.assertNotIn("transcript.json", self.gate.written(job, before))
        before = len(self.gate.calls)
        self.assertEqual("succeeded", self.user.end(job)["status"])
        self.assertEqual({"download": False, "transcribe": True, "plan": True, "render": False}, self.stages(job, 3))
        again = {name for name in self.gate.written(job, before) if name.startswith("clips/")}
        self.assertEqual({name for name in CLIPS if "_01" in name}, again, "the first clip was finished")
        return job

    def stopped_in_rendering_and_killed_in_upload(self):
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        until(lambda: self.stack.has(job, "clips/clip_00.mp4"), 90, "the first clip", 0.02)
        told = time.monotonic()
        self.kill(job, 1, signal.SIGTERM)
        took = time.monotonic() - told
        print(f"SIGTERM in the middle of rendering: ended with an outcome after {took:.1f} s")
        self.assertLess(took, LAST_WORDS_S)
        outcome = self.stack.outcome(job, 1)
        self.assertEqual(("failed", True, "render"), (outcome["status"], outcome["retryable"], outcome["stage"]))
        held = self.at(job, "PUT attempts/2/outcome.json")
        self.assertTrue(all(self.stack.has(job, clip) for clip in CLIPS))
        self.kill(job, 2)
        held.lose()
        before = len(self.gate.calls)
        self.assertEqual("succeeded", self.user.end(job)["status"])
        self.assertEqual({"download": False, "transcribe": True, "plan": True, "render": True}, self.stages(job, 3))
        self.assertEqual(["attempts/3/outcome.json"], self.gate.written(job, before), "everything else was finished")
        return job

    def test_the_next_attempt_goes_on_and_the_clips_are_the_same(self):
        courses = (self.killed_in_planning_and_rendering, self.stopped_in_rendering_and_killed_in_upload)
        courses += (self.killed_in_download_and_transcription, self.undisturbed)
        with ThreadPoolExecutor(len(courses)) as pool:
            *disturbed, wanted = [course.result() for course in [pool.submit(course) for course in courses]]
        made = self.stack.objects(wanted)
        seen = {clip: decoded(self.stack.read(wanted, clip)) for clip in CLIPS if clip.endswith("mp4")}
        for job in disturbed:
            view, objects = self.user.get(job), self.stack.objects(job)
            self.assertEqual(3, view["attempt"])
            self.assertEqual(1, view["creditsCharged"])
            self.assertEqual(2, len(view["clips"]))
            for name in ("transcript.json", "plan.json", *CLIPS):
                self.assertEqual(made[name]["made-from"], objects[name]["made-from"], name)
            for clip, hash in seen.items():
                self.assertEqual(hash, decoded(self.stack.read(job, clip)), clip)

    def test_a_stage_that_stands_still_is_given_up(self):
        rule = f"export AWS_ENDPOINT_URL={self.gate.url}"
        self.worker.rule(f"{rule} STALL_SECONDS=3")
        self.addCleanup(self.worker.rule, rule)
        self.sources.let_go.clear()
        job = self.user.submit(videoUrl=self.sources.url("held", "stuck"))
        outcome = until(lambda: self.stack.outcome(job, 1), 30, "an outcome")
        self.assertEqual(("timed_out", True, "download"), (outcome["error_code"], outcome["retryable"], outcome["stage"]))
        self.user.attempt(job, 2, "running")
        self.assertEqual(200, self.user.call("POST", f"{JOBS}/{job}/cancel")[0])

    def test_attempts_are_used_up(self):
        self.sources.let_go.clear()
        job = self.user.submit(videoUrl=self.sources.url("held", "another"))
        for attempt in (1, 2, 3):
            self.kill(job, attempt)
        view = self.user.end(job, 30)
        self.assertEqual(("failed", 3, "internal"), (view["status"], view["attempt"], view["errorCode"]))
        self.assertTrue(view["errorMessage"])
        self.assertIsNone(view["creditsCharged"])


if __name__ == "__main__":
    unittest.main()
