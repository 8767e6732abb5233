"""infra/redrive.py: jobs that got stuck, and what could not be published. The stream leads to no function here, as if all their tries had failed."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from driven import SLEEPING, TASKS_AT_ONCE, DrivenJob
from harness import Stack, until
from material import REPOSITORY
from receivers import Receiver

REDRIVE = REPOSITORY / "infra" / "redrive.py"
LONG_AGO = "2026-01-01T00:00:00Z"
# a place that the stream has no more
PAST = "1".zfill(30)
LONG_TO_COME = "2126-01-01T00:00:00Z"


class RedriveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        worker = Path(folder.name) / "worker"
        worker.write_text(f"#!/bin/sh\n{SLEEPING}\n")
        worker.chmod(0o755)
        cls.stack = Stack(TASKS_AT_ONCE, worker=worker)
        cls.addClassCleanup(cls.stack.stop)
        cls.user = cls.stack.user()
        cls.sqs = cls.stack.client("sqs")
        cls.queue = cls.sqs.get_queue_url(QueueName="clipwright-local-undelivered")["QueueUrl"]
        cls.stream = cls.stack.client("dynamodb").describe_table(TableName=cls.stack.addresses["jobs_table"])["Table"]["LatestStreamArn"]
        lambdas = cls.stack.client("lambda")
        for source in lambdas.list_event_source_mappings(EventSourceArn=cls.stream)["EventSourceMappings"]:
            lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=False)

    def setUp(self):
        self.sqs.purge_queue(QueueUrl=self.queue)

    def redrive(self, *more):
        """Its exit code and what it says, of jobs of any age."""
        environment = {name: value for name, value in self.stack.addresses["environment"].items() if name.startswith("AWS_")}
        environment |= {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": self.stack.addresses["region"]}
        command = [sys.executable, str(REDRIVE), "local", "--older-than=0", *more]
        ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return ran.returncode, ran.stdout

    def left(self):
        """Messages in the queue, those that somebody was given included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        numbers = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return tuple(int(numbers[name]) for name in names)

    def say(self, body):
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(body))

    def say_of_batch(self, function, first=PAST, last=PAST, arrival=LONG_AGO):
        """A message as the stream's on-failure destination has it."""
        context = {"condition": "RetryAttemptsExhausted", "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:clipwright-local-{function}"}
        batch = {"shardId": self.shard()["ShardId"], "startSequenceNumber": first, "endSequenceNumber": last, "batchSize": 2, "streamArn": self.stream}
        batch |= {"approximateArrivalOfFirstRecord": arrival, "approximateArrivalOfLastRecord": arrival}
        self.say({"requestContext": context, "version": "1.0", "DDBStreamBatchInfo": batch})

    def shard(self):
        return self.stack.client("dynamodbstreams").describe_stream(StreamArn=self.stream)["StreamDescription"]["Shards"][0]

    def records(self, job):
        """The places of a job's records in the stream."""
        streams = self.stack.client("dynamodbstreams")
        place = {"StreamArn": self.stream, "ShardId": self.shard()["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        found = streams.get_records(ShardIterator=streams.get_shard_iterator(**place)["ShardIterator"])["Records"]
        return [record["dynamodb"]["SequenceNumber"] for record in found if record["dynamodb"]["Keys"]["id"]["S"] == job]

    def running(self, job, attempt):
        return self.stack.client("stepfunctions").describe_execution(executionArn=self.stack.execution(job, attempt))["status"] == "RUNNING"

    def ended_job(self, user):
        """A job that has an address to call back, and whose end nobody was told of."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        self.assertEqual(201, user.call("POST", "/api/ai-clipping-agent/callback-secrets")[0])
        job = DrivenJob(user, callbackUrl=receiver.url)
        job.start()
        job.fail()
        return job.id, receiver

    # --- what was not published

    def test_what_could_not_be_published_is(self):
        job, receiver = self.ended_job(self.user)
        places = self.records(job)
        for first, last in ((places[2], places[2]), (places[0], places[1])):
            self.say_of_batch("publish-events", first, last)
        code, said = self.redrive()
        self.assertEqual((0, (0, 0)), (code, self.left()), said)
        told = until(lambda: len(found := receiver.of(job)) == 2 and found, 20, "callbacks")
        self.assertEqual(["job.started", "job.failed"], [each.event for each in told])
        self.assertIn("publish-events: 2 records", said)

    def test_what_fails_again_or_is_gone_stays_in_the_queue(self):
        job, receiver = self.ended_job(self.stack.user("bob"))
        lambdas, function = self.stack.client("lambda"), "clipwright-local-publish-events"
        good = lambdas.get_function_configuration(FunctionName=function)["Environment"]
        bad = {"Variables": good["Variables"] | {"DELIVERIES_TABLE": "none-of-that-name"}}
        lambdas.update_function_configuration(FunctionName=function, Environment=bad)
        self.say_of_batch("publish-events", *self.records(job)[-2:])
        code, said = self.redrive()
        lambdas.update_function_configuration(FunctionName=function, Environment=good)
        self.assertEqual((1, (1, 0)), (code, self.left()), said)
        self.assertIn("publish-events fails", said)
        self.say_of_batch("publish-events", PAST, PAST)
        self.say_of_batch("submit-job")
        self.sqs.send_message(QueueUrl=self.queue, MessageBody="[]")
        code, said = self.redrive()
        self.assertEqual((1, (3, 0)), (code, self.left()), said)
        self.assertIn(f"the records of {LONG_AGO} to {LONG_AGO} are gone", said)
        until(lambda: len(receiver.of(job)) == 2, 20, "callbacks")

    # --- what was not started or settled

    def test_a_job_that_was_not_started_is_and_its_message_goes(self):
        job = DrivenJob(self.stack.user("carol")).id
        self.say_of_batch("start-job")
        code, said = self.redrive("--older-than=30")
        self.assertEqual((0, (0, 0)), (code, self.left()), said)
        self.assertNotIn(job, said, "it is too young")
        self.say_of_batch("start-job", arrival=LONG_TO_COME)
        code, said = self.redrive()
        self.assertEqual((1, (1, 0)), (code, self.left()), said)
        self.assertIn(f"{job} attempt 1: execution started", said)
        self.assertIn("younger than those that were looked at", said)
        self.assertTrue(self.running(job, 1))

    def test_an_attempt_that_has_ended_unseen_is_settled(self):
        job = DrivenJob(self.stack.user("dora"))
        job.start()
        self.assertIn(f"{job.id} attempt 1: settled", self.redrive()[1])
        self.assertEqual(("queued", "2"), tuple(self.stack.record(job.id)[name] for name in ("status", "attempt")))
        event = {"source": "aws.states", "detail": {"name": f"{job.id}-2", "status": "ABORTED"}}
        for body in (event, {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}):
            self.say(body)
        code, said = self.redrive("--older-than=30")
        self.assertEqual((0, (0, 0)), (code, self.left()), said)
        self.assertIn('settle-job: {"changed": true, "status": "queued"}', said)
        self.assertEqual("3", self.stack.record(job.id)["attempt"])


if __name__ == "__main__":
    unittest.main()
