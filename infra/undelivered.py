"""The messages of the queue `clipwright-ENV-undelivered`: what no try could hand to a function is handed to it once more.

Of a batch of the table's stream a message has only the place; the records themselves stay in the stream for 24 hours.
"""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any, Iterator

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

Json = dict[str, Any]
# of a run: until then nobody else is given its messages
HIDDEN_SECONDS = 900
# two images of a record may have 400 KB each, an event for a function 6 MB
RECORDS_AT_ONCE = 5
# some pages of a stream are empty; one that has no record of a batch after so many has none at all
PAGES = 200
GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")
# arrivals have whole seconds, and the clocks of functions and table differ
MARGIN = datetime.timedelta(minutes=1)


class NotDone(Exception):
    """Something is still to be done; the message says what and why."""


class Functions:
    def __init__(self, environment: str) -> None:
        # no function runs for longer
        self.environment, self.client = environment, boto3.client("lambda", config=Config(read_timeout=90))

    def name(self, binary: str) -> str:
        return f"clipwright-{self.environment}-{binary}"

    def call(self, binary: str, event: Json) -> Json:
        """What the function answers; it fails where the function does, also where it answers that it has not dealt with all of a batch."""
        payload = json.dumps(event, default=lambda data: base64.b64encode(data).decode())
        answer = self.client.invoke(FunctionName=self.name(binary), Payload=payload)
        content = json.load(answer["Payload"])
        if "FunctionError" in answer or content.get("batchItemFailures"):
            raise NotDone(f"{binary} fails, its log says why: {json.dumps(content)}")
        return content


class Undelivered:
    def __init__(self, functions: Functions) -> None:
        self.functions, self.queue = functions, boto3.client("sqs")
        # each shard has room for few readers: calls are refused for a moment and then are not
        self.streams = boto3.client("dynamodbstreams", config=Config(retries={"mode": "standard", "max_attempts": 10}))
        self.address = self.queue.get_queue_url(QueueName=functions.name("undelivered"))["QueueUrl"]

    def deal_with(self, covered: datetime.datetime | None) -> int:
        """Hands every message's event to its function and deletes the message; gives how many are left. What `start-job` was not given is taken
        for started where it arrived before `covered`, since all jobs that have not changed since then have been set going."""
        left = 0
        for message in sorted(self.messages(), key=place):
            try:
                print(self.hand_on(json.loads(message["Body"]), covered))
                self.queue.delete_message(QueueUrl=self.address, ReceiptHandle=message["ReceiptHandle"])
            except Exception as error:  # whatever is wrong with this message, others go on
                left += 1
                print(f"message {message['MessageId']} stays: {error if isinstance(error, NotDone) else repr(error)}")
                self.queue.change_message_visibility(QueueUrl=self.address, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        return left

    def messages(self) -> Iterator[Json]:
        asked = {"QueueUrl": self.address, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": HIDDEN_SECONDS}
        while found := self.queue.receive_message(**asked).get("Messages"):
            yield from found

    def hand_on(self, body: Json, covered: datetime.datetime | None) -> str:
        if refused := body.get("refused"):
            raise NotDone(f"{refused['function']} can never do it and a person has to look, then delete the message: {refused['why']}")
        batch = body.get("DDBStreamBatchInfo")
        if batch is None:
            # a function that could not be called leaves its event in a message, a rule that could not call it the event as it is
            return f"settle-job: {json.dumps(self.functions.call('settle-job', body.get('requestPayload', body)))}"
        function = body["requestContext"]["functionArn"].split(":")[6]
        if function == self.functions.name("publish-events"):
            return self.publish(batch)
        if function == self.functions.name("start-job"):
            return self.started(batch, covered)
        raise NotDone(f"{function} is not known here")

    def publish(self, batch: Json) -> str:
        records = [as_lambda_has_it(record, batch["streamArn"]) for record in self.records(batch)]
        for first in range(0, len(records), RECORDS_AT_ONCE):
            self.functions.call("publish-events", {"Records": records[first : first + RECORDS_AT_ONCE]})
        return f"publish-events: {len(records)} records of {times(batch)} published"

    def started(self, batch: Json, covered: datetime.datetime | None) -> str:
        if covered is None:
            raise NotDone("start-job: not every job could be set going")
        if datetime.datetime.fromisoformat(batch["approximateArrivalOfLastRecord"]) >= covered - MARGIN:
            raise NotDone("start-job: its jobs are younger than those that were looked at: run this again later, or with a smaller --older-than")
        return f"start-job: the jobs of {times(batch)} have been set going"

    def records(self, batch: Json) -> list[Json]:
        """From the first to the last of a batch: also those in between that were of no use to the function."""
        try:
            return list(self.read(batch))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                raise NotDone(f"publish-events: the records of {times(batch)} are gone from the stream and cannot be published any more") from error
            raise

    def read(self, batch: Json) -> Iterator[Json]:
        place = {"StreamArn": batch["streamArn"], "ShardId": batch["shardId"], "SequenceNumber": batch["startSequenceNumber"]}
        iterator = self.streams.get_shard_iterator(**place, ShardIteratorType="AT_SEQUENCE_NUMBER")["ShardIterator"]
        last = int(batch["endSequenceNumber"])
        for _ in range(PAGES):
            page = self.streams.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                if (number := int(record["dynamodb"]["SequenceNumber"])) <= last:
                    yield record
                if number >= last:
                    return
            if not (iterator := page.get("NextShardIterator")):
                return
        raise NotDone(f"publish-events: the last record of {times(batch)} is not found in the stream")


def place(message: Json) -> int:
    """Where in the stream a message's batch begins, so that earlier news come first."""
    try:
        return int(json.loads(message["Body"])["DDBStreamBatchInfo"]["startSequenceNumber"])
    except (LookupError, TypeError, ValueError):
        return 0


def as_lambda_has_it(record: Json, stream: str) -> Json:
    """A record of the stream as an event has it."""
    change = record["dynamodb"] | {"ApproximateCreationDateTime": record["dynamodb"]["ApproximateCreationDateTime"].timestamp()}
    return record | {"dynamodb": change, "eventSourceARN": stream}


def times(batch: Json) -> str:
    return f"{batch['approximateArrivalOfFirstRecord']} to {batch['approximateArrivalOfLastRecord']}"
