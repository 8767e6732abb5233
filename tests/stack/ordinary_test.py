"""Ordinary life of jobs over HTTP, with events that must be signed: from upload to deletion, and what the seed's own calls do."""

import json
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import JOBS, QUICK, WORKER, Stack, probe, until
from material import Sources, decoded, talk

SEED_SERVICE = """curl -X POST http://localhost:8000/ai-clipping/jobs \\
  -H "Content-Type: application/json" \\
  -d '{
    "video_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "callback_url": "https://webhook.site/your-unique-id",
    "external_job_id": "test-123",
    "max_clips": 1
  }'"""
SEED_USER = """curl -X POST http://localhost:3000/ai-clipping-agent/jobs \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer YOUR_JWT_TOKEN" \\
  -d '{
    "youtubeUrl": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "requestedClipCount": 1
  }'"""
SEED_VIDEO = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def fetched(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


class OrdinaryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("--parameter=AllowUnsignedEvents=false", worker=WORKER)
        cls.addClassCleanup(cls.stack.stop)
        cls.sources = Sources(talk())
        cls.addClassCleanup(cls.sources.close)
        cls.short = Sources(talk(6))
        cls.addClassCleanup(cls.short.close)
        cls.user, cls.other = cls.stack.user("alice"), cls.stack.user("bob")

    def assert_stopped(self, job, attempt):
        """The worker of an attempt is gone, and soon."""
        self.assertEqual("stopped", self.stack.ended_task(job, attempt, 20)["status"])

    def assert_gone(self, job):
        """Nothing is stored but which attempt was the last, so that executions of an id never mix, and since when and of what, for the sweep."""
        self.assertEqual({}, self.stack.objects(job))
        self.assertLessEqual(set(self.stack.record(job)), {"id", "attempt", "expires_at", "deleted_at", "sweep", "upload"})

    def seen_until_the_end(self, job):
        views = []
        until(lambda: views.append(self.user.get(job)) or views[-1]["status"] == "succeeded", 60, "success", 0.1)
        return views

    def assert_clip(self, clip, width, height):
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(fetched(clip["videoUrl"]))
            file.flush()
            found = probe(Path(file.name))
        video = next(stream for stream in found["streams"] if stream["codec_type"] == "video")
        self.assertEqual((width, height, "h264"), (video["width"], video["height"], video["codec_name"]))
        self.assertIn("aac", [stream["codec_name"] for stream in found["streams"]])
        self.assertAlmostEqual(clip["durationMs"] / 1000, float(found["format"]["duration"]), delta=0.1)
        self.assertTrue(fetched(clip["captionsUrl"]).startswith(b"WEBVTT"))
        self.assertTrue(fetched(clip["thumbnailUrl"]).startswith(b"\xff\xd8"))

    def test_from_an_upload_to_clips_to_an_edited_plan_to_nothing(self):
        upload = self.user.upload(talk(), "My short talk.mp4")
        job = self.user.submit(uploadId=upload)
        views = self.seen_until_the_end(job)
        self.check_progress(views)
        view = views[-1]
        self.assertEqual("My short talk", view["source"]["title"])
        self.assertEqual((1, 100, 2, 2, 1), tuple(view[name] for name in ("attempt", "progressPercent", "clipsCompleted", "totalClips", "creditsCharged")))
        for clip in view["clips"]:
            self.assert_clip(clip, 1080, 1080)
        self.assertEqual("en", json.loads(fetched(view["transcriptUrl"]))["language"])
        self.check_others_see_nothing(job)
        self.check_list(job)
        self.check_edited_plan(job, json.loads(fetched(view["planUrl"])))
        self.assertEqual((204, None), self.user.call("DELETE", f"{JOBS}/{job}"))
        self.assert_gone(job)
        left = self.stack.client("s3").list_objects_v2(Bucket=self.stack.addresses["bucket"], Prefix=f"uploads/{upload}/")
        self.assertEqual([], left.get("Contents", []))
        self.assertEqual(404, self.user.call("GET", f"{JOBS}/{job}")[0])
        self.assertEqual(404, self.user.call("DELETE", f"{JOBS}/{job}")[0])

    def check_progress(self, views):
        """Signed events arrived, and what they said only ever went forward."""
        percents = [view["progressPercent"] for view in views]
        self.assertEqual(sorted(percents), percents)
        self.assertTrue(any(0 < percent < 100 for percent in percents), percents)
        self.assertIn("render", [view["progressStage"] for view in views])
        order = list(dict.fromkeys(view["status"] for view in views))
        self.assertEqual(["queued", "running", "succeeded"], order)

    def check_others_see_nothing(self, job):
        for method, path, body in (("GET", "", None), ("POST", "/cancel", None), ("POST", "/retry", None), ("DELETE", "", None), ("PUT", "/plan", {"version": 1, "clips": []})):
            self.assertEqual(404, self.other.call(method, f"{JOBS}/{job}{path}", body)[0], f"{method} {path}")
        self.assertEqual((200, {"jobs": [], "nextCursor": None}), self.other.call("GET", JOBS))

    def check_list(self, job):
        """Newest first, in parts that together are the whole, without links."""
        listed, cursor = [], ""
        while cursor is not None:
            status, part = self.user.call("GET", f"{JOBS}?limit=1&cursor={cursor}" if cursor else f"{JOBS}?limit=1")
            self.assertEqual(200, status)
            self.assertLessEqual(len(part["jobs"]), 1)
            listed += part["jobs"]
            cursor = part["nextCursor"]
        self.assertEqual(sorted((view["createdAt"] for view in listed), reverse=True), [view["createdAt"] for view in listed])
        self.assertIn(job, [view["id"] for view in listed])
        of_status = self.user.call("GET", f"{JOBS}?status=succeeded")[1]["jobs"]
        mine = next(view for view in of_status if view["id"] == job)
        self.assertEqual({"succeeded"}, {view["status"] for view in of_status})
        self.assertNotIn("videoUrl", mine["clips"][0])

    def check_edited_plan(self, job, plan):
        """Only the clip that changed is rendered anew."""
        before = self.stack.objects(job)
        plan["clips"][1]["end_ms"] -= 700
        plan["clips"][0]["title"] = "A title of my own"
        self.assertEqual(202, self.user.call("PUT", f"{JOBS}/{job}/plan", plan)[0])
        view = self.user.end(job)
        self.assertEqual(("succeeded", 2, "A title of my own"), (view["status"], view["attempt"], view["clips"][0]["title"]))
        until(lambda: not self.stack.has(job, "clips/clip_00.mp4"), 20, "the end of what others have taken the place of")
        after = {name.removeprefix("editions/2/"): each for name, each in self.stack.objects(job).items()}
        for name in ("transcript.json", *(f"clips/clip_00.{kind}" for kind in ("mp4", "srt", "vtt", "jpg"))):
            self.assertEqual(*([each[name][of] for of in ("etag", "made-from")] for each in (before, after)), f"{name} was made again")
        self.assertEqual(("1", "2"), (before["clips/clip_01.mp4"]["attempt"], after["clips/clip_01.mp4"]["attempt"]))
        self.assertNotEqual(before["clips/clip_01.mp4"]["made-from"], after["clips/clip_01.mp4"]["made-from"])
        self.assertAlmostEqual(plan["clips"][1]["end_ms"] - plan["clips"][1]["start_ms"], view["clips"][1]["durationMs"], delta=100)
        self.assert_clip(view["clips"][1], 1080, 1080)

    def test_the_seeds_own_calls_work(self):
        addresses, address = self.stack.addresses, self.short.url("talk", "watch")
        service = SEED_SERVICE.replace("http://localhost:8000", addresses["api"]).replace(SEED_VIDEO, address)
        service = service.replace("  -d", f'  -H "x-api-key: {addresses["service_key"]}" \\\n  -d', 1)
        user = SEED_USER.replace("http://localhost:3000", addresses["api"]).replace(SEED_VIDEO, address).replace("YOUR_JWT_TOKEN", self.user.token)
        accepted, submitted = (json.loads(subprocess.run(["sh", "-c", f"{call} -sS"], check=True, stdout=subprocess.PIPE, timeout=60).stdout) for call in (service, user))
        view = self.user.end(submitted["id"])
        self.assertEqual(("succeeded", 1), (view["status"], len(view["clips"])))
        self.assert_clip(view["clips"][0], 1080, 1920)
        view = until(lambda: (view := self.of_service(accepted["job_id"]))["status"] == "succeeded" and view, 60, "the job of the service")
        self.assertEqual((1, 1), (view["total_clips"], view["output"]["total_clips"]))
        self.assertEqual("watch", view["output"]["source_video_title"])
        # the same video, the same options: the same clip
        clips = [fetched(self.user.get(submitted["id"])["clips"][0]["videoUrl"]), fetched(view["output"]["clips"][0]["s3_url"])]
        self.assertEqual(decoded(clips[0]), decoded(clips[1]))
        self.assertEqual(404, self.user.call("GET", f"{JOBS}/{accepted['job_id']}")[0], "jobs of a service are not a user's")

    def of_service(self, job):
        request = urllib.request.Request(f"{self.stack.addresses['api']}/ai-clipping/jobs/{job}", headers={"x-api-key": self.stack.addresses["service_key"]})
        return json.loads(fetched(request))

    def test_a_running_job_is_canceled_tried_again_and_deleted(self):
        job = self.user.submit(videoUrl=self.sources.url("held"))
        self.assertTrue(self.sources.asked.acquire(timeout=30))
        self.assertEqual(409, self.user.call("POST", f"{JOBS}/{job}/retry")[0], "it is under way")
        status, view = self.user.call("POST", f"{JOBS}/{job}/cancel")
        self.assertEqual((200, "canceled", "canceled"), (status, view["status"], view["errorCode"]))
        self.assertEqual(200, self.user.call("POST", f"{JOBS}/{job}/cancel")[0], "a second time changes nothing")
        self.assert_stopped(job, 1)
        self.assertEqual("canceled", self.user.get(job)["status"])
        status, view = self.user.call("POST", f"{JOBS}/{job}/retry")
        self.assertEqual((202, 2, "queued", None), (status, view["attempt"], view["status"], view["errorCode"]))
        self.assertTrue(self.sources.asked.acquire(timeout=30))
        self.user.attempt(job, 2, "running")
        self.assertEqual((204, None), self.user.call("DELETE", f"{JOBS}/{job}"))
        self.assert_stopped(job, 2)
        self.assert_gone(job)

    def test_a_source_that_is_no_video_fails_and_may_be_tried_again(self):
        job = self.user.submit(videoUrl=self.sources.url("text"))
        for attempt in (1, 2):
            view = self.user.end(job)
            self.assertEqual(("failed", "source_unsupported", attempt), (view["status"], view["errorCode"], view["attempt"]))
            self.assertIsNone(view["creditsCharged"])
            self.assertNotIn("/", view["errorMessage"], "a person is told nothing of the machine")
            self.assertEqual(202 if attempt == 1 else 409, self.user.call("POST", f"{JOBS}/{job}/{'retry' if attempt == 1 else 'cancel'}")[0])

    def test_one_key_makes_one_job(self):
        body, key = QUICK | {"videoUrl": self.sources.url("text", "keyed")}, {"Idempotency-Key": "one-key"}
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: self.user.call("POST", JOBS, body, key), range(10)))
        self.assertEqual({202}, {status for status, _ in answers})
        self.assertEqual(1, len({view["id"] for _, view in answers}))
        self.assertEqual(422, self.user.call("POST", JOBS, body | {"requestedClipCount": 1}, key)[0])
        self.assertNotEqual(answers[0][1]["id"], self.other.call("POST", JOBS, body, key)[1]["id"])

    def test_what_is_not_there_has_the_shape_of_all_errors(self):
        webhooks = "/webhooks/ai-clipping"  # events are not public
        for method, path in (("GET", "/nothing"), ("POST", webhooks), ("POST", f"/api{webhooks}"), ("PATCH", JOBS), ("GET", "/")):
            status, answer = self.user.call(method, path, {} if method == "POST" else None)
            self.assertEqual((404, "not_found"), (status, answer["error"]["code"]), f"{method} {path}")
            self.assertIn("no such path", answer["error"]["message"])

    def test_an_event_that_is_not_signed_changes_nothing(self):
        job = self.user.submit(videoUrl=self.sources.url("text", "unsigned"))
        self.user.end(job)
        before = self.stack.record(job)
        body = {"event": "job.failed", "timestamp": "2026-01-01T00:00:00.000Z", "job_id": job, "status": "failed", "progress_percent": 0, "current_step": ""}
        for headers in ({}, {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                request = urllib.request.Request(f"{self.stack.addresses['events_api']}/api/webhooks/ai-clipping", data=json.dumps(body).encode(), headers=headers)
                urllib.request.urlopen(request, timeout=20)
            raised.exception.close()
            self.assertEqual(401, raised.exception.code)
        self.assertEqual(before, self.stack.record(job))


if __name__ == "__main__":
    unittest.main()
