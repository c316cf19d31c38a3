// Compiled and never run: every call here must type-check, and each line marked as wrong must not.
import {
  ByoursideError,
  Client,
  TERMINAL_STATUSES,
  verifyStandardWebhook,
  verifyWebhook,
  type CallRecord,
  type WebhookPayload,
} from "byourside";

const client = new Client({ apiKey: "bys_ak_x", baseUrl: "http://127.0.0.1:8080", timeout: null, retries: 0 });

export async function everything(signal: AbortSignal): Promise<void> {
  const placed = await client.placeCall({
    to: "+14155550123",
    objective: "Ask.",
    fields: [{ name: "confirmed", type: "boolean" }, { name: "new_time" }],
    scheduledAt: new Date(),
    voicemail: { action: "leave_message" },
    mustSay: ["This call is recorded."],
    metadata: { order: 7 },
    idempotencyKey: "order-7",
    signal,
  });
  const done: CallRecord = await client.waitForCall(placed.callId, {
    timeout: 60,
    onUpdate: (call) => console.log(call.turns?.at(-1)?.text),
    signal,
  });
  const value: string | number | boolean | null | undefined = done.extracted?.confirmed;
  const list = await client.listCalls({ limit: 10, status: "completed" });
  const cursor: string | null = list.nextCursor;
  const size: number = await client.downloadRecording(done.id, "call.wav");
  const over: boolean = TERMINAL_STATUSES.includes(done.status);
  console.log(value, cursor, size, over, list[0]?.steps?.[0]?.done, done.usage?.costUsd);

  // @ts-expect-error a number to call is required
  await client.placeCall({ objective: "Ask." });
  // @ts-expect-error no such type of field
  await client.placeCall({ to: "+1", objective: "x", fields: [{ name: "a", type: "integer" }] });
  // @ts-expect-error no such status
  await client.listCalls({ status: "done" });
}

export function receive(header: string | undefined, body: Buffer, headers: Headers): WebhookPayload | null {
  const genuine: boolean = verifyWebhook(header, body, "whsec_x", { tolerance: 60 });
  if (!genuine || !verifyStandardWebhook(headers, body, "whsec_x")) return null;
  return JSON.parse(body.toString()) as WebhookPayload;
}

export function tell(error: unknown): string {
  return error instanceof ByoursideError && error.retryable ? `${error.code} ${error.retryAfter}` : "";
}
