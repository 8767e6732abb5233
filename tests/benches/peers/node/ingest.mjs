// The least that a Node function needs to do what ingest-webhook does: verify the signature, update the job under conditions.
import { createHmac, timingSafeEqual } from "node:crypto";
import { request } from "node:http";
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({ endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION });
const key = Buffer.from(process.env.WEBHOOK_SECRET.slice("whsec_".length), "base64");

export async function handler(message) {
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature } = message.headers;
  const tag = createHmac("sha256", key).update(`${id}.${time}.${message.body}`).digest();
  const given = Buffer.from((signature ?? "").slice("v1,".length), "base64");
  const recent = Math.abs(Date.now() / 1000 - Number(time)) <= 300;
  if (!recent || given.length !== tag.length || !timingSafeEqual(given, tag)) return { statusCode: 401 };
  const event = JSON.parse(message.body);
  const updated = await client.send(
    new UpdateItemCommand({
      TableName: process.env.JOBS_TABLE,
      Key: { id: { S: event.external_job_id } },
      UpdateExpression: "SET #status = :running, progress_percent = :percent, current_step = :step, last_sequence = :sequence, updated_at = :now",
      ConditionExpression:
        "attribute_exists(id) AND attempt = :attempt AND #status IN (:queued, :running) AND (attribute_not_exists(last_sequence) OR last_sequence < :sequence)",
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ":running": { S: "running" },
        ":queued": { S: "queued" },
        ":percent": { N: String(event.progress_percent) },
        ":step": { S: event.current_step },
        ":sequence": { N: String(event.sequence) },
        ":attempt": { N: String(event.attempt) },
        ":now": { S: new Date().toISOString() },
      },
      ReturnValues: "ALL_NEW",
    }),
  );
  const body = JSON.stringify({ received: true, job_status: updated.Attributes.status.S });
  return { statusCode: 200, headers: { "content-type": "application/json" }, body };
}

// the runtime API, as small as it can be, so that what is measured is the handler
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, method, path: `/2018-06-01/runtime/invocation/${path}` }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve([answer.headers, Buffer.concat(parts).toString()]));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

for (;;) {
  const [headers, message] = await call("GET", "next");
  const answer = await handler(JSON.parse(message));
  await call("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
}
