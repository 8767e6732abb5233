// A receiver as a customer of the old system would have it: its interface to the letter, and the npm package for signatures.
// It reads messages as JSON lines, says of each whether it is believed and what became of the job, and signs it anew.

import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

export interface WebhookPayload {
  event: 'job.started' | 'job.progress' | 'job.completed' | 'job.failed';
  timestamp: string;  // ISO 8601
  job_id: string;     // Genesis worker job ID
  external_job_id?: string;  // API's AiClippingAgentJob.id
  owner_user_id?: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed';
  progress_percent: number;
  current_step: string;
  clips_completed?: number;
  total_clips?: number;
  error?: string;
  output?: {
    total_clips: number;
    source_video_title?: string;
    processing_time_seconds?: number;
    clips: Array<{
      clip_index: number;
      s3_url: string;
      duration_ms: number;
      virality_score: number;
      summary?: string;
    }>;
    transcript_url?: string;
    plan_url?: string;
  };
}

type Kind = "string" | "number";
type Fields = Record<string, Kind | `${Kind}?`>;

const PAYLOAD: Fields = {
  event: "string", timestamp: "string", job_id: "string", external_job_id: "string?", owner_user_id: "string?", status: "string",
  progress_percent: "number", current_step: "string", clips_completed: "number?", total_clips: "number?", error: "string?",
};
const OUTPUT: Fields = {
  total_clips: "number", source_video_title: "string?", processing_time_seconds: "number?", transcript_url: "string?", plan_url: "string?",
};
const CLIP: Fields = { clip_index: "number", s3_url: "string", duration_ms: "number", virality_score: "number", summary: "string?" };

/** Types are gone when a program runs: what the interface says is looked at once more, and that nothing is null. */
function check(value: unknown, fields: Fields, path: string): void {
  const held = value as Record<string, unknown>;
  for (const [name, wanted] of Object.entries(fields)) {
    const optional = wanted.endsWith("?") && !(name in held);
    if (!optional && typeof held[name] !== wanted.replace("?", "")) {
      throw new Error(`${path}${name} is ${JSON.stringify(held[name])}`);
    }
  }
}

function payload(body: string): WebhookPayload {
  const value = JSON.parse(body);
  check(value, PAYLOAD, "");
  if (new Date(value.timestamp).toISOString() !== value.timestamp) {
    throw new Error(`timestamp is ${value.timestamp}`);
  }
  if ("output" in value) {
    check(value.output, OUTPUT, "output.");
    value.output.clips.forEach((clip: unknown) => check(clip, CLIP, "output.clips[]."));
  }
  return value;
}

/** What the old receiver did to its record, event by event. */
function job(webhook: WebhookPayload): string {
  switch (webhook.event) {
    case "job.started":
      return "running";
    case "job.progress":
      return `running ${webhook.progress_percent} ${webhook.current_step} ${webhook.clips_completed ?? 0}/${webhook.total_clips ?? 0}`;
    case "job.completed":
      return `succeeded ${webhook.output!.clips.length}`;
    case "job.failed":
      return `failed ${webhook.error}`;
  }
}

function isBelieved(webhook: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

if (require.main === module) {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { secret, id, timestamp, body, signature } = JSON.parse(line);
    const webhook = new Webhook(secret);
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
    const anew = webhook.sign(id, new Date(Number(timestamp) * 1000), body);
    console.log(JSON.stringify({ believed: isBelieved(webhook, body, headers), signature: anew, job: job(payload(body)) }));
  });
}
