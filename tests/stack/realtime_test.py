"""What users hear of their jobs over WebSockets: tickets, snapshots, news in order and to whom they belong, and connections that are gone."""

import hashlib
import json
import re
import time
import unittest
from datetime import datetime
from pathlib import Path

from driven import SLEEPING, TASKS_AT_ONCE, DrivenJob
from harness import ENDED, JOBS, StackTestCase, deploy, until
from material import Sources
from sockets import Sockets, place, side_by_side, subscription, ticket

FLOOD_MESSAGES, FLOOD_BYTES = 80, 120 * 1024  # more than the system keeps for one connection on its way


class RealtimeTest(StackTestCase):
    more = (TASKS_AT_ONCE,)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.worker.rule(SLEEPING)
        cls.sources = Sources(cls.talk)
        cls.addClassCleanup(cls.sources.close)
        cls.sockets = Sockets()
        cls.addClassCleanup(cls.sockets.close)
        cls.other = cls.stack.user("bob")

    # --- what the tables know

    def session(self, identity):
        key = {"id": {"S": identity}}
        return self.stack.client("dynamodb").get_item(TableName=self.stack.addresses["sessions_table"], Key=key, ConsistentRead=True).get("Item")

    def listeners(self, name):
        """Items of the connections of a user that listen."""
        values = {":owner": {"S": f"user:{name}"}}
        query = {"KeyConditionExpression": "#owner = :owner", "ExpressionAttributeNames": {"#owner": "owner"}, "ExpressionAttributeValues": values}
        return self.stack.client("dynamodb").query(TableName=self.stack.addresses["listeners_table"], ConsistentRead=True, **query)["Items"]

    def put(self, table, item):
        self.stack.client("dynamodb").put_item(TableName=self.stack.addresses[f"{table}_table"], Item=item)

    def connection_of(self, name):
        """The session and the listener of a user's only connection."""
        listener, = self.listeners(name)
        return self.session(f"connection#{listener['connection_id']['S']}"), listener

    # --- what clients hear

    def listening(self, user, job=None):
        """A client that was shown where things stand."""
        client = self.sockets.open(ticket(user)["url"])
        client.subscribe(job)
        until(lambda: client.heard, what="a snapshot")
        return client

    def answer(self, client, message):
        before = len(client.heard)
        client.send(message)
        return until(lambda: client.heard[before:], what=f"an answer to {message}")[0]

    def settle(self, *clients):
        """What was said to a client before it asks is there when it is answered."""
        for client in clients:
            before = len(client.of_type("pong"))
            client.send({"action": "ping"})
            until(lambda: len(client.of_type("pong")) > before, what="a pong")

    def ended(self, client, job, attempt=1):
        over = lambda: [told for told in client.news(job) if told["job"]["status"] in ENDED and told["attempt"] == attempt]  # noqa: E731
        return until(over, 60, f"the end of attempt {attempt} of job {job}")[0]

    def assert_rising(self, news):
        places = [place(told) for told in news]
        self.assertEqual(sorted(set(places)), places, "each once and in order")

    # --- tickets

    def test_a_ticket_is_good_once_and_for_a_minute(self):
        issued = ticket(self.user)
        left = datetime.fromisoformat(issued["expiresAt"]).timestamp() - time.time()
        self.assertTrue(50 < left <= 60, left)
        self.assertEqual(f"{self.stack.addresses['realtime']}?ticket={issued['ticket']}", issued["url"])
        self.assertIsNone(self.sockets.refusal(issued["url"]))
        used, bare = issued["url"], self.stack.addresses["realtime"]
        for refused in (used, bare, f"{bare}?ticket=", f"{bare}?ticket={'0' * 64}"):
            self.assertIn(self.sockets.refusal(refused), (401, 403), refused)
        self.assertEqual(401, self.user.call("POST", "/api/ai-clipping-agent/realtime-tickets", headers={"Authorization": ""})[0])

    def test_a_ticket_past_its_time_opens_nothing(self):
        issued = ticket(self.user)
        identity = f"ticket#{hashlib.sha256(issued['ticket'].encode()).hexdigest()}"
        # as it is a minute later, where the table has not removed it yet
        self.put("sessions", self.session(identity) | {"expires_at": {"N": str(int(time.time()))}})
        self.assertIn(self.sockets.refusal(issued["url"]), (401, 403))

    def test_of_two_with_the_same_ticket_one_is_let_in(self):
        urls = [ticket(self.user)["url"]] * 6

        async def try_one(url):
            try:
                return await self.sockets.opened(url)
            except Exception:
                return None

        let_in = self.sockets.run(side_by_side(try_one, urls, len(urls)))
        self.assertEqual(1, len([client for client in let_in if client]))

    # --- what is asked for

    def test_a_snapshot_shows_ones_own_jobs_and_nobody_elses(self):
        user = self.stack.user("carol")
        first, second, foreign = DrivenJob(user), DrivenJob(user), DrivenJob(self.other)
        second.start()
        until(lambda: user.get(second.id)["status"] == "running")
        client = self.listening(user)
        snapshot, = client.heard
        self.assertEqual(("snapshot", False), (snapshot["type"], snapshot["more"]))
        shown = [(each["job"]["id"], each["job"]["status"], place(each)) for each in snapshot["jobs"]]
        self.assertEqual([(second.id, "running", (1, 1)), (first.id, "queued", (1, 0))], shown, "the newest first")
        one = self.answer(client, subscription(first.id))
        self.assertEqual([first.id], [shown["job"]["id"] for shown in one["jobs"]])
        for nobody in (foreign.id, "01a214e7-403f-7617-a9b3-a2ba665b9ead", "../x", ""):
            refusal = self.answer(client, subscription() | {"jobId": nobody})
            self.assertEqual(("error", "not_found"), (refusal["type"], refusal["code"]), nobody)
        for job in (first, second, foreign):
            job.cancel()

    def test_what_is_not_understood_is_said_and_the_connection_stays(self):
        client = self.listening(self.user)
        for message in ({"action": "dance"}, {}, "no JSON", {"action": "subscribe", "jobId": 7}, {"action": "ping", "more": "x" * 5000}, "[]"):
            refusal = self.answer(client, message)
            self.assertEqual(("error", "invalid_request"), (refusal["type"], refusal["code"]), message)
        self.assertEqual({"type": "pong"}, self.answer(client, {"action": "ping"}))

    # --- news

    def test_starts_tenths_and_ends_are_told_to_whom_they_belong_and_nothing_else(self):
        user = self.stack.user("dora")
        job, beside = DrivenJob(user), DrivenJob(user)
        of_all, of_one, foreign = self.listening(user), self.listening(user, job.id), self.listening(self.other)
        job.start()
        beside.start()
        for percent in (3, 9, 10, 14, 19, 31, 30, 55, 59):  # 30 comes late: a job never goes back
            job.progress(percent)
        beside.fail()
        job.complete()
        self.ended(of_all, job.id)
        self.ended(of_all, beside.id)
        self.settle(of_one, of_all, foreign)
        wanted = [("job.started", 0), ("job.progress", 10), ("job.progress", 31), ("job.progress", 55), ("job.completed", 100)]
        for client in (of_all, of_one):
            self.assertEqual(wanted, [(told["type"], told["job"]["progressPercent"]) for told in client.news(job.id)])
            self.assertEqual([(1, sequence) for sequence in (1, 11, 32, 56, 102)], [place(told) for told in client.news(job.id)])
        self.assertEqual(["job.started", "job.failed"], [told["type"] for told in of_all.news(beside.id)])
        self.assertEqual([], of_one.news(beside.id))
        self.assertEqual([], foreign.news(), "another owner hears nothing")
        failed = of_all.news(beside.id)[-1]["job"]
        self.assertEqual(("no_speech", "There is no speech in it"), (failed["errorCode"], failed["errorMessage"]))

    def test_a_real_job_is_told_from_its_start_to_its_end(self):
        client = self.listening(self.user)
        self.worker.rule("")
        self.addCleanup(self.worker.rule, SLEEPING)
        job = self.user.submit(videoUrl=self.sources.url("talk"))
        last = self.ended(client, job)
        news = client.news(job)
        self.assert_rising(news)
        self.assertEqual(("job.started", "job.completed"), (news[0]["type"], news[-1]["type"]))
        self.assertEqual({"job.progress"}, {told["type"] for told in news[1:-1]})
        tenths = [told["job"]["progressPercent"] // 10 for told in news[:-1]]
        self.assertEqual(sorted(set(tenths)), tenths, "each tenth once")
        self.assertNotIn("X-Amz", json.dumps(client.heard), "links are for GET")
        self.assertEqual([None] * 2, [clip.get("videoUrl") for clip in last["job"]["clips"]])
        listed = next(view for view in self.user.call("GET", JOBS)[1]["jobs"] if view["id"] == job)
        self.assertEqual(listed | {"updatedAt": None}, last["job"] | {"updatedAt": None})

    def test_a_job_is_canceled_and_tried_again(self):
        user = self.stack.user("emma")
        client, job = self.listening(user), DrivenJob(user)
        job.cancel()
        told = self.ended(client, job.id)
        self.assertEqual(("job.failed", "canceled", "canceled"), (told["type"], told["job"]["status"], told["job"]["errorCode"]))
        job.retry()
        job.start()
        job.cancel()
        self.ended(client, job.id, 2)
        job.retry()
        job.start()
        job.complete()
        self.ended(client, job.id, 3)
        self.assertEqual([(1, 102), (2, 1), (2, 102), (3, 1), (3, 102)], [place(told) for told in client.news()])
        again = self.answer(client, subscription(job.id))
        self.assertEqual((3, 102), place(again["jobs"][0]), "a snapshot has its place among the news")

    def test_where_nobody_listens_nothing_is_told(self):
        alone, user = DrivenJob(self.stack.user("frank")), self.stack.user("grace")
        client = self.listening(user)
        alone.start()
        alone.cancel()
        heard = DrivenJob(user)
        heard.cancel()
        self.ended(client, heard.id)  # the table's stream has an order: what was before is done
        function = next(name for name in self.stack.addresses["functions"].values() if name.endswith("publish-events"))
        log = Path(self.stack.addresses["logs"]) / "functions" / f"{function}.log"
        until(lambda: heard.id in log.read_text(), what="a line on the job that was told")
        self.assertNotIn(alone.id, log.read_text())

    # --- connections that are gone, or do not take what is sent

    def test_who_leaves_is_forgotten(self):
        for name, leave in (("henry", "close"), ("irene", "cut")):
            client = self.listening(self.stack.user(name))
            session, listener = self.connection_of(name)
            self.assertEqual({"S": f"user:{name}"}, session["owner"])
            self.assertTrue(2 * 3600 <= int(listener["expires_at"]["N"]) - time.time() <= 3 * 3600, "the table removes what nobody else does")
            getattr(client, leave)()
            until(lambda: not self.listeners(name) and not self.session(session["id"]["S"]), what=f"the end of the connection after {leave}")

    def test_a_connection_that_is_gone_without_saying_so_is_removed_on_the_first_try(self):
        user = self.stack.user("judy")
        client = self.listening(user)
        session, listener = self.connection_of("judy")
        client.close()
        until(lambda: not self.listeners("judy"))
        self.put("sessions", session)
        self.put("listeners", listener)
        there, job = self.listening(user), DrivenJob(user)
        job.start()
        until(lambda: there.news(job.id), what="news for who is there")
        until(lambda: not self.session(session["id"]["S"]), what="the end of the session that is gone")
        left, = self.listeners("judy")
        self.assertNotEqual(listener["connection_id"], left["connection_id"])
        job.cancel()

    def test_a_connection_that_is_not_known_is_told_and_cut(self):
        client = self.listening(self.stack.user("kate"))
        session, _ = self.connection_of("kate")
        self.stack.client("dynamodb").delete_item(TableName=self.stack.addresses["sessions_table"], Key={"id": session["id"]})
        self.assertEqual("unauthorized", self.answer(client, {"action": "ping"})["code"])
        until(lambda: not client.is_open, what="the end of the connection")

    def test_a_client_that_does_not_read_holds_nobody_up(self):
        user = self.stack.user("laura")
        slow = self.listening(user)
        _, listener = self.connection_of("laura")
        slow.stop_reading()
        self.flood(listener["connection_id"]["S"])
        # and one that is not even there
        self.put("listeners", listener | {"connection_id": {"S": "gone"}})
        quick, job = [self.listening(user) for _ in range(3)], DrivenJob(user)
        told = time.monotonic()
        job.start()
        job.progress(50)
        job.complete()
        for client in quick:
            self.ended(client, job.id)
            self.assertEqual([(1, 1), (1, 51), (1, 102)], [place(told) for told in client.news(job.id)])
        print(f"beside a client that does not read: {max(client.times[-1] for client in quick) - told:.1f} s for three events")
        self.assertLess(max(client.times[-1] for client in quick) - told, 10)
        self.assertEqual([], slow.news())
        slow.go_on_reading()
        self.ended(slow, job.id)
        self.assert_rising(slow.news(job.id))

    def flood(self, connection):
        """Sends a connection more than it can take while nobody reads."""
        endpoint = re.sub("^ws", "http", self.stack.addresses["realtime"])
        manager = deploy.client("apigatewaymanagementapi", endpoint)
        for _ in range(FLOOD_MESSAGES):
            manager.post_to_connection(ConnectionId=connection, Data=json.dumps({"type": "flood", "water": "~" * FLOOD_BYTES}))


if __name__ == "__main__":
    unittest.main()
