"""A thousand clients of one owner: each hears everything in order; and hundreds of them, cut at once, come back and have missed no end."""

import hashlib
import resource
import secrets
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from driven import SLEEPING, TASKS_AT_ONCE, DrivenJob
from harness import StackTestCase, until
from sockets import Sockets, place, subscription, ticket

CLIENTS = 1000
CUT = 300
ENDS = 3  # jobs that end while those that were cut come back
BATCH = 25  # items that DynamoDB takes at once


def allow_open_files(count):
    """For this process and the stack that it starts: many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class CrowdsTest(StackTestCase):
    more = (TASKS_AT_ONCE,)

    @classmethod
    def setUpClass(cls):
        allow_open_files(8 * CLIENTS)
        super().setUpClass()
        cls.worker.rule(SLEEPING)
        cls.sockets = Sockets()
        cls.addClassCleanup(cls.sockets.close)
        began = time.monotonic()
        cls.crowd = cls.sockets.open_all(cls.tickets(CLIENTS), subscription())
        until(lambda: all(client.heard for client in cls.crowd), 60, "a snapshot for each")
        print(f"{CLIENTS} clients connected and subscribed in {time.monotonic() - began:.1f} s")

    @classmethod
    def tickets(cls, count):
        """Addresses with tickets as the API would write them down; to ask it for a thousand takes as long as everything else here."""
        made = [secrets.token_hex(32) for _ in range(count)]
        until_then = {"N": str(int(time.time()) + 60)}
        items = [{"id": {"S": f"ticket#{hashlib.sha256(each.encode()).hexdigest()}"}, "owner": {"S": "user:alice"}, "expires_at": until_then} for each in made]
        for begin in range(0, count, BATCH):
            puts = [{"PutRequest": {"Item": item}} for item in items[begin:begin + BATCH]]
            cls.stack.client("dynamodb").batch_write_item(RequestItems={cls.stack.addresses["sessions_table"]: puts})
        return [f"{cls.stack.addresses['realtime']}?ticket={each}" for each in made]

    def knows_the_end(self, client, job):
        """Whether a client was told, or shown, how a job ended."""
        shown = [shown["job"] for snapshot in client.of_type("snapshot") for shown in snapshot["jobs"]]
        views = [view for view in shown if view["id"] == job] + [told["job"] for told in client.news(job)]
        return any(view["status"] == "canceled" for view in views)

    def wait_for_the_end(self, clients, job, seconds=30):
        until(lambda: all(self.knows_the_end(client, job) for client in clients), seconds, f"the end of job {job} for {len(clients)} clients")

    def test_each_of_a_thousand_hears_everything_in_order(self):
        job = DrivenJob(self.user)
        began = time.monotonic()
        job.start()
        job.progress(40)
        canceled = time.monotonic()
        job.cancel()
        self.wait_for_the_end(self.crowd, job.id)
        arrivals = [client.times[-1] for client in self.crowd]
        first, last = min(arrivals) - canceled, max(arrivals) - canceled
        print(f"{CLIENTS} clients heard of an end {first:.1f} to {last:.1f} s after it, of three events in {max(arrivals) - began:.1f} s")
        wanted = [("job.started", (1, 1)), ("job.progress", (1, 41)), ("job.failed", (1, 102))]
        for client in self.crowd:
            self.assertEqual("snapshot", client.heard[0]["type"])
            self.assertEqual(wanted, [(told["type"], place(told)) for told in client.news(job.id)])

    def test_hundreds_that_are_cut_come_back_and_miss_no_end(self):
        jobs = [DrivenJob(self.user) for _ in range(ENDS)]
        for job in jobs:
            job.start()
        until(lambda: all(client.news(jobs[-1].id) for client in self.crowd), 30, "the start of the last job")
        lost, stayed = self.crowd[:CUT], self.crowd[CUT:]
        for client in lost:
            client.cut()
        began = time.monotonic()
        with ThreadPoolExecutor(2) as beside:
            returning = beside.submit(self.come_back)
            for job in jobs:  # one after another, while they return
                job.cancel()
                time.sleep(0.4)
            back = returning.result()
        returned = time.monotonic() - began
        for job in jobs:
            self.wait_for_the_end([*back, *stayed], job.id)
        print(f"{CUT} clients cut at once were back, with snapshots, after {returned:.1f} s")
        self.assertEqual([False] * CUT, [client.is_open for client in lost])
        for client in back:
            self.assertEqual("snapshot", client.heard[0]["type"])
        for client in stayed:
            self.assertEqual([["job.started", "job.failed"]] * ENDS, [[told["type"] for told in client.news(job.id)] for job in jobs])
        type(self).crowd = [*back, *stayed]

    def come_back(self):
        """All at once, each with a ticket of its own."""
        with ThreadPoolExecutor(8) as pool:
            urls = list(pool.map(lambda _: ticket(self.user)["url"], range(CUT)))
        back = self.sockets.open_all(urls, subscription(), at_once=CUT)
        until(lambda: all(client.heard for client in back), 60, "a snapshot for each that is back")
        return back


if __name__ == "__main__":
    unittest.main()
