"""What customers' servers are sent: signed, in order, again after a failure; secrets, tests, the log of deliveries and replay."""

import json
import unittest
import urllib.error
import urllib.request
from datetime import datetime

from standardwebhooks import WebhookVerificationError

from driven import SLEEPING, TASKS_AT_ONCE, DrivenJob
from harness import JOBS, QUICK, StackTestCase, until
from material import Sources
from receivers import Receiver

AGENT = "/api/ai-clipping-agent"
FIRST_PAUSE_S = (4, 6)  # 5 s, a fifth more or less; what the machine and the queue need on top is not counted


class CallbacksTest(StackTestCase):
    more = (TASKS_AT_ONCE,)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.worker.rule(SLEEPING)
        cls.sources = Sources(cls.talk)
        cls.addClassCleanup(cls.sources.close)

    def receiver(self, *answers):
        receiver = Receiver(*answers)
        self.addCleanup(receiver.close)
        return receiver

    def secret(self, user):
        status, made = user.call("POST", f"{AGENT}/callback-secrets")
        self.assertEqual(201, status, made)
        return made["secret"]

    def come(self, receiver, job, count, *events):
        """The first so many requests about a job."""
        return until(lambda: len(found := receiver.of(job, *events)) >= count and found, 60, f"{count} callbacks of {job}")

    def deliveries(self, user, job):
        status, answer = user.call("GET", f"{JOBS}/{job}/deliveries")
        self.assertEqual(200, status, answer)
        return answer["deliveries"]

    def delivered(self, user, job, *states):
        """The log of a job's deliveries once it has these states."""
        stand = lambda log: log if [each["state"] for each in log] == list(states) else None  # noqa: E731
        return until(lambda: stand(self.deliveries(user, job)), what=f"deliveries {states}")

    def service(self, method, path, body=None):
        headers = {"x-api-key": self.stack.addresses["service_key"], "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.stack.addresses["api"] + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def real_workers(self):
        self.worker.rule("")
        self.addCleanup(self.worker.rule, SLEEPING)

    # --- a job of a user

    def test_a_receiver_that_fails_at_first_gets_everything_in_order_with_links_that_open(self):
        receiver, secret = self.receiver(500), self.secret(self.user)
        self.real_workers()
        job = self.user.submit(videoUrl=self.sources.url("talk"), callbackUrl=receiver.url)
        self.assertEqual("succeeded", self.user.end(job)["status"])
        failed, started, completed = self.come(receiver, job, 3)
        self.assertEqual([("job.started", 500), ("job.started", 204), ("job.completed", 204)], [(each.event, each.answer) for each in (failed, started, completed)])
        self.assertEqual(failed.id, started.id, "the same event has the same id")
        self.assertNotEqual(failed.headers["webhook-signature"], started.headers["webhook-signature"], "each try is signed anew")
        self.check_pause(self.delivered(self.user, job, "delivered", "delivered"))
        for each in receiver.of(job, "job.started", "job.progress", "job.completed"):
            self.assertEqual(each.body, each.verified(secret))
            with self.assertRaises(WebhookVerificationError):
                each.verified(f"whsec_{'A' * 44}")
        self.check_body(job, completed.body)
        self.check_progress(receiver, job)

    def check_pause(self, log):
        first, second = (datetime.fromisoformat(each["at"]).timestamp() for each in log[0]["tries"])
        print(f"callbacks: asked again after {second - first:.1f} s")
        self.assertGreaterEqual(second - first, FIRST_PAUSE_S[0])
        self.assertLess(second - first, FIRST_PAUSE_S[1] + 10)
        self.assertEqual([[500, 204], [204]], [[each["status"] for each in delivery["tries"]] for delivery in log])
        self.assertEqual(["job.started", "job.completed"], [delivery["event"] for delivery in log])

    def check_body(self, job, body):
        wanted = {"job_id": job, "external_job_id": job, "status": "succeeded", "progress_percent": 100, "clips_completed": 2, "total_clips": 2, "attempt": 1}
        self.assertEqual(wanted, {name: body[name] for name in wanted})
        self.assertNotIn(None, body.values(), "what is absent is left out")
        for clip in body["output"]["clips"]:
            self.assertEqual(b"ftyp", self.fetched(clip["s3_url"])[4:8])
            self.assertTrue(self.fetched(clip["captions_url"]).startswith(b"WEBVTT"))
            self.assertTrue(self.fetched(clip["thumbnail_url"]).startswith(b"\xff\xd8"))
        for name in ("transcript_url", "plan_url"):
            self.assertEqual(1, json.loads(self.fetched(body["output"][name]))["version"])

    def check_progress(self, receiver, job):
        """Told once, between start and end, and only forward."""
        told = [each.body["progress_percent"] for each in receiver.of(job, "job.progress")]
        self.assertEqual(sorted(set(told)), told)
        order = [each.event for each in receiver.received if each.body["job_id"] == job and each.answer == 204]
        self.assertEqual(("job.started", "job.completed"), (order[0], order[-1]))

    def fetched(self, url):
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read()

    def test_each_percent_may_be_told_and_a_canceled_job_has_failed(self):
        user = self.stack.user("carol")
        receiver, secret = self.receiver(), self.secret(user)
        job = DrivenJob(user, callbackUrl=receiver.url)
        job.start()
        self.come(receiver, job.id, 1)
        for percent in (3, 7):
            job.progress(percent)
            until(lambda: [each for each in receiver.of(job.id, "job.progress") if each.body["progress_percent"] == percent], what=f"{percent} %")
        job.cancel()
        _, ended = self.come(receiver, job.id, 2)
        self.assertEqual(("job.failed", "failed", "canceled"), tuple(ended.verified(secret)[name] for name in ("event", "status", "error_code")))
        job.retry()
        job.start()
        job.fail()
        again = self.come(receiver, job.id, 4)[2:]
        self.assertEqual([("job.started", 2), ("job.failed", 2)], [(each.event, each.body["attempt"]) for each in again])
        self.assertEqual("no_speech", again[1].body["error_code"])
        ids = [each.id for each in receiver.of(job.id)]
        self.assertEqual(sorted(set(ids)), ids, "each once, with an id of its own")

    def test_callbacks_need_a_secret_and_two_are_good_while_one_is_replaced(self):
        user, receiver = self.stack.user("dora"), self.receiver()
        status, refusal = user.call("POST", JOBS, QUICK | {"videoUrl": "http://127.0.0.1:9/x.mp4", "callbackUrl": receiver.url})
        self.assertEqual((422, "callbackUrl"), (status, refusal["error"]["field"]))
        first, second = self.secret(user), self.secret(user)
        status, tested = user.call("POST", f"{AGENT}/callback-tests", {"url": receiver.url})
        self.assertEqual((200, True, 204), (status, tested["delivered"], tested["status"]))
        sample, = receiver.received
        for secret in (first, second):
            self.assertEqual("job.completed", sample.verified(secret)["event"])
        with self.assertRaises(WebhookVerificationError):
            sample.verified(self.secret(self.stack.user("emma")))

    # --- the log, replay, addresses that want nothing any more

    def test_a_delivery_is_sent_again_when_its_owner_asks(self):
        user = self.stack.user("frank")
        receiver, secret = self.receiver(), self.secret(user)
        job = DrivenJob(user, callbackUrl=receiver.url)
        job.start()
        job.fail()
        _, ended = self.come(receiver, job.id, 2)
        log = self.delivered(user, job.id, "delivered", "delivered")
        replay = f"{AGENT}/deliveries/{log[1]['id']}/replay"
        self.assertEqual(404, self.user.call("POST", replay)[0], "it is not theirs")
        self.assertEqual(404, self.user.call("GET", f"{JOBS}/{job.id}/deliveries")[0])
        self.assertEqual(202, user.call("POST", replay)[0])
        again = self.come(receiver, job.id, 3)[2]
        self.assertEqual((ended.id, ended.body), (again.id, again.verified(secret)), "the same once more")
        log = self.delivered(user, job.id, "delivered", "delivered")
        self.assertEqual([1, 2], [len(each["tries"]) for each in log])

    def test_an_address_that_is_gone_is_left_alone_until_a_test_succeeds(self):
        user = self.stack.user("grace")
        receiver, _ = self.receiver(410), self.secret(user)
        beside = self.receiver()
        job, other = DrivenJob(user, callbackUrl=receiver.url), DrivenJob(user, callbackUrl=beside.url)
        job.start()
        self.delivered(user, job.id, "failed")
        job.fail()
        log = self.delivered(user, job.id, "failed", "failed")
        self.assertEqual([410, None], [each["tries"][0]["status"] for each in log])
        self.assertEqual(1, len(receiver.received), "the end was not even sent")
        other.cancel()
        self.come(beside, other.id, 1)
        replay = f"{AGENT}/deliveries/{log[1]['id']}/replay"
        status, refusal = user.call("POST", replay)
        self.assertEqual((409, "address_disabled"), (status, refusal["error"]["code"]))
        self.assertTrue(user.call("POST", f"{AGENT}/callback-tests", {"url": receiver.url})[1]["delivered"])
        self.assertEqual(202, user.call("POST", replay)[0])
        ended, = self.come(receiver, job.id, 1, "job.failed")
        self.assertEqual(log[1]["id"], ended.id)

    # --- a job of a service

    def test_a_service_hears_of_its_job_under_its_own_names(self):
        receiver = self.receiver()
        self.real_workers()
        body = {"video_url": self.sources.url("text"), "callback_url": receiver.url, "external_job_id": "order 7", "owner_user_id": "u-1", "max_clips": 1}
        unsigned = self.service("POST", "/ai-clipping/jobs", body)["job_id"]
        events = self.come(receiver, unsigned, 2)
        self.assertEqual([("job.started", "running"), ("job.failed", "failed")], [(each.event, each.body["status"]) for each in events])
        self.assertEqual({("order 7", "u-1")}, {(each.body["external_job_id"], each.body["owner_user_id"]) for each in events})
        self.assertEqual("source_unsupported", events[1].body["error_code"])
        self.assertFalse([name for each in events for name in each.headers if name.startswith("webhook-")], "there is nothing to sign with yet")
        secret = self.service("POST", "/api/ai-clipping/callback-secrets", {})["secret"]
        signed = self.service("POST", "/ai-clipping/jobs", body)["job_id"]
        for each in self.come(receiver, signed, 2):
            self.assertEqual("order 7", each.verified(secret)["external_job_id"])
        self.assertEqual("failed", self.service("GET", f"/ai-clipping/jobs/{signed}")["status"])


if __name__ == "__main__":
    unittest.main()
