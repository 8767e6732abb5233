"""Hundreds of clients, of several owners: each hears everything in order; and most of them, cut at once, come back and have missed no end."""

import hashlib
import resource
import secrets
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from driven import SLEEPING, TASKS_AT_ONCE, DrivenJob
from harness import StackTestCase, until
from sockets import Sockets, place, subscription, ticket

OWNERS = 20
CLIENTS = 25  # of each owner, which may have 50 open: those that come back may be there before the end of those that were cut is known
CUT = 15  # of each owner's
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
        allow_open_files(8 * OWNERS * CLIENTS)
        super().setUpClass()
        cls.worker.rule(SLEEPING)
        cls.sockets = Sockets()
        cls.addClassCleanup(cls.sockets.close)
        began = time.monotonic()
        cls.owners = [cls.stack.user(f"crowd-{number}") for number in range(OWNERS)]
        clients = cls.sockets.open_all(cls.tickets(), subscription())
        cls.crowds = [clients[begin:begin + CLIENTS] for begin in range(0, len(clients), CLIENTS)]
        until(lambda: all(client.heard for client in clients), 60, "a snapshot for each")
        print(f"{len(clients)} clients connected and subscribed in {time.monotonic() - began:.1f} s")

    @classmethod
    def tickets(cls):
        """Addresses with tickets as the API would write them down, owner by owner; to ask it for hundreds takes as long as everything else here."""
        made = [(f"user:crowd-{number}", secrets.token_hex(32)) for number in range(OWNERS) for _ in range(CLIENTS)]
        until_then = {"N": str(int(time.time()) + 60)}
        items = [{"id": {"S": f"ticket#{hashlib.sha256(each.encode()).hexdigest()}"}, "owner": {"S": owner}, "expires_at": until_then} for owner, each in made]
        for begin in range(0, len(items), BATCH):
            puts = [{"PutRequest": {"Item": item}} for item in items[begin:begin + BATCH]]
            cls.stack.client("dynamodb").batch_write_item(RequestItems={cls.stack.addresses["sessions_table"]: puts})
        return [f"{cls.stack.addresses['realtime']}?ticket={each}" for _, each in made]

    def knows_the_end(self, client, job):
        """Whether a client was told, or shown, how a job ended."""
        shown = [shown["job"] for snapshot in client.of_type("snapshot") for shown in snapshot["jobs"]]
        views = [view for view in shown if view["id"] == job] + [told["job"] for told in client.news(job)]
        return any(view["status"] == "canceled" for view in views)

    def wait_for_the_ends(self, crowds, jobs, seconds=30):
        for clients, job in zip(crowds, jobs, strict=True):
            until(lambda: all(self.knows_the_end(client, job.id) for client in clients), seconds, f"the end of job {job.id} for {len(clients)} clients")

    def test_each_of_hundreds_hears_everything_in_order(self):
        jobs = [DrivenJob(owner) for owner in self.owners]
        began = time.monotonic()
        for job in jobs:
            job.start()
            job.progress(40)
        canceled = time.monotonic()
        for job in jobs:
            job.cancel()
        self.wait_for_the_ends(self.crowds, jobs)
        last = max(client.times[-1] for clients in self.crowds for client in clients)
        print(f"{OWNERS * CLIENTS} clients heard of the last end {last - canceled:.1f} s after the first, of three events each in {last - began:.1f} s")
        wanted = [("job.started", (1, 1)), ("job.progress", (1, 41)), ("job.failed", (1, 102))]
        for clients, job in zip(self.crowds, jobs, strict=True):
            for client in clients:
                self.assertEqual("snapshot", client.heard[0]["type"])
                self.assertEqual(wanted, [(told["type"], place(told)) for told in client.news(job.id)])

    def test_hundreds_that_are_cut_come_back_and_miss_no_end(self):
        jobs = [DrivenJob(owner) for owner in self.owners]
        for job in jobs:
            job.start()
        for clients, job in zip(self.crowds, jobs, strict=True):
            until(lambda: all(client.news(job.id) for client in clients), 30, "the start of each owner's job")
        lost, stayed = [crowd[:CUT] for crowd in self.crowds], [crowd[CUT:] for crowd in self.crowds]
        for client in sum(lost, []):
            client.cut()
        began = time.monotonic()
        with ThreadPoolExecutor(2) as beside:
            returning = beside.submit(self.come_back)
            for job in jobs:  # one after another, while they return
                job.cancel()
                time.sleep(0.05)
            back = returning.result()
        returned = time.monotonic() - began
        type(self).crowds = [came + there for came, there in zip(back, stayed, strict=True)]
        self.wait_for_the_ends(self.crowds, jobs)
        print(f"{OWNERS * CUT} clients cut at once were back, with snapshots, after {returned:.1f} s")
        self.assertEqual([False] * OWNERS * CUT, [client.is_open for client in sum(lost, [])])
        for client in sum(back, []):
            self.assertEqual("snapshot", client.heard[0]["type"])
        for clients, job in zip(stayed, jobs, strict=True):
            for client in clients:
                self.assertEqual(["job.started", "job.failed"], [told["type"] for told in client.news(job.id)])

    def come_back(self):
        """All at once, each with a ticket of its own; owner by owner."""
        owners = [owner for owner in self.owners for _ in range(CUT)]
        with ThreadPoolExecutor(8) as pool:
            urls = list(pool.map(lambda owner: ticket(owner)["url"], owners))
        back = self.sockets.open_all(urls, subscription(), at_once=len(urls))
        until(lambda: all(client.heard for client in back), 60, "a snapshot for each that is back")
        return [back[begin:begin + CUT] for begin in range(0, len(back), CUT)]


if __name__ == "__main__":
    unittest.main()
