/** One value to learn from the conversation. */
export interface Field {
  name: string;
  type?: "string" | "boolean" | "number";
  description?: string;
}

export type Status =
  | "queued"
  | "dialing"
  | "in_progress"
  | "completed"
  | "no_answer"
  | "voicemail"
  | "declined"
  | "failed";

/** `action` "leave_message" leaves `message`, or one made from the objective. */
export interface Voicemail {
  action?: "hang_up" | "leave_message";
  message?: string | null;
}

export interface PlaceCall {
  /** Destination in E.164, for example "+14155550123". */
  to: string;
  /** What the call should accomplish. */
  objective: string;
  /** Background for the AI, never told to the other side. */
  context?: string | null;
  fields?: Field[] | null;
  webhookUrl?: string | null;
  /** A number on your account; the default if absent. */
  callerId?: string | null;
  metadata?: Record<string, unknown> | null;
  maxDurationSec?: number | null;
  language?: string | null;
  voicemail?: Voicemail | null;
  /** A Date, or an ISO 8601 time with its offset. */
  scheduledAt?: Date | string | null;
  /** Sentences the agent must say, word for word. */
  mustSay?: string[] | null;
  /** Questions the agent must ask, word for word. */
  mustAsk?: string[] | null;
  /** Who is hung up on at once instead of talked to. */
  hangUpOn?: ("ivr" | "screening" | "unknown")[] | null;
  /** A repeat with the same key within 24 hours gets the first call's answer, not a second call. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface PlacedCall {
  id: string;
  callId: string;
  status: Status;
}

export interface Turn {
  index: number;
  role: "agent" | "contact";
  text: string;
  startMs: number;
  endMs: number;
  interrupted: boolean;
  asks: string | null;
  confidence: number | null;
}

/** The contact's own words behind a value, and where to hear them. */
export interface Evidence {
  turn: number;
  quote: string;
  startMs: number;
  endMs: number;
}

export interface StepProof {
  kind: "disclosure" | "mustSay" | "mustAsk";
  text: string;
  done: boolean;
  turn: number | null;
  startMs: number | null;
  endMs: number | null;
  answer: string | null;
  answerTurn: number | null;
}

export interface DialAttempt {
  trunk: string;
  target: string;
  status: number | null;
  reason: string | null;
}

export interface Answering {
  verdict: string;
  by: string;
  timeMs: number;
  confidence: number;
  revised: string | null;
}

export interface SipFacts {
  status: number | null;
  reason: string | null;
  q850Cause: number | null;
  ringSec: number | null;
  earlyMedia: boolean;
  trunk: string | null;
  attempts: DialAttempt[];
}

/** One answer: the whole time, what each stage took by itself (they overlap), and when each was, all in ms. */
export interface TurnLatency {
  turn: number | null;
  totalMs: number;
  endpointMs: number | null;
  sttMs: number | null;
  firstTokenMs: number | null;
  firstAudioMs: number | null;
  firstPacketMs: number | null;
  /** After the contact's last word; negative is before it. */
  at: {
    quietMs: number | null;
    wordsMs: number | null;
    decidedMs: number | null;
    mindAskedMs: number | null;
    firstTokenMs: number | null;
    voiceAskedMs: number | null;
    saidMs: number | null;
    firstAudioMs: number | null;
    firstPacketMs: number;
  };
}

/** How long the agent took to answer. */
export interface Latency {
  turnsMs: number[];
  p50Ms: number | null;
  p95Ms: number | null;
  turns?: TurnLatency[];
  /** Of more than two seconds, in which the agent owed words. */
  silences?: { startMs: number; endMs: number; cause: "recognition" | "mind" | "voice" }[];
}

/** How the sound of the call travelled; `mos` is an estimate from 1 to 4.5. */
export interface Media {
  codec: string;
  srtp: string | null;
  packetsSent: number;
  packetsReceived: number;
  packetsLost: number;
  packetsLate: number;
  packetsDuplicate: number;
  packetsRejected: number;
  concealedMs: number;
  lossPercent: number;
  jitterMs: number;
  bufferMs: number;
  roundTripMs: number | null;
  mos: number | null;
  farEnd: { lossPercent: number; jitterMs: number | null; mos: number | null } | null;
}

export interface Usage {
  requests: number;
  failures: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  costUsd: number | null;
  models: string[];
  /** Among those above: of requests called off before a server had counted. */
  estimatedTokens?: number;
  /** Replies asked for before it was sure that the contact had finished; null where there were none. */
  ahead?: Ahead | null;
}

export interface Ahead {
  asked: number;
  takenOver: number;
  dropped: number;
  droppedPromptTokens: number;
  droppedCachedTokens: number;
  droppedCompletionTokens: number;
  droppedEstimatedTokens: number;
  droppedCostUsd: number | null;
}

/** A call: the published fields, and the extensions a server may add. */
export interface CallRecord {
  id: string;
  callId: string;
  status: Status;
  to: string;
  objective: string;
  summary: string | null;
  transcript: string | null;
  extracted: Record<string, string | number | boolean | null> | null;
  recordingUrl: string | null;
  startedAt: string | null;
  endedAt: string | null;
  durationSec: number | null;
  error: string | null;
  callerId?: string;
  createdAt?: string;
  scheduledAt?: string | null;
  attempt?: number;
  answeredBy?: string | null;
  answering?: Answering | null;
  outcome?: string | null;
  objectiveMet?: "yes" | "no" | "unknown" | null;
  objectiveReason?: string | null;
  endedBy?: string | null;
  endReason?: string | null;
  sip?: SipFacts | null;
  turns?: Turn[];
  evidence?: Record<string, Evidence | null> | null;
  latency?: Latency | null;
  media?: Media | null;
  analysis?: string | null;
  mind?: string | null;
  steps?: StepProof[] | null;
  callback?: { time: string | null; quote: string; turn: number } | null;
  extractor?: string | null;
  usage?: Usage | null;
  language?: string | null;
  metadata?: Record<string, unknown> | null;
}

/** A webhook's body: the call record, and which event it tells of. */
export interface WebhookPayload extends CallRecord {
  event: { id: string; type: string; at: string; sequence: number };
}

/** The calls of one page; `nextCursor`, given back as `before`, continues the list (null: no more). */
export interface CallList extends Array<CallRecord> {
  nextCursor: string | null;
}

export interface ClientOptions {
  apiKey: string;
  /** The server, hosted or your own. */
  baseUrl?: string;
  /** Stands in for the runtime's fetch. */
  fetch?: typeof globalThis.fetch;
  /** Stands in for waiting; given seconds. */
  sleep?: (seconds: number, signal?: AbortSignal) => Promise<void>;
  /** Seconds that bound each wait for the network; null for none. */
  timeout?: number | null;
  /** Repeats of a request that met passing trouble. */
  retries?: number;
}

export interface Cancellable {
  signal?: AbortSignal;
}

export interface WaitOptions extends Cancellable {
  /** Seconds, 180 by default. */
  timeout?: number;
  /** Seconds, 5 by default. */
  interval?: number;
  onUpdate?: (call: CallRecord) => unknown;
}

export class Client {
  constructor(options: ClientOptions);
  placeCall(request: PlaceCall): Promise<PlacedCall>;
  getCall(callId: string, options?: Cancellable): Promise<CallRecord>;
  listCalls(options?: Cancellable & { limit?: number; before?: string; status?: Status }): Promise<CallList>;
  waitForCall(callId: string, options?: WaitOptions): Promise<CallRecord>;
  cancelCall(callId: string, options?: Cancellable): Promise<CallRecord>;
  /** Resolves to the size in bytes. */
  downloadRecording(callId: string, path: string, options?: Cancellable): Promise<number>;
}

export class ByoursideError extends Error {
  constructor(
    code: string,
    status?: number,
    message?: string,
    details?: { retryAfter?: number | null; requestId?: string | null; cause?: unknown },
  );
  /** The API's error token, or one of this package's own. */
  code: string;
  /** HTTP status, or 0 where no answer was had. */
  status: number;
  retryAfter: number | null;
  requestId: string | null;
  /** Give it to `placeCall` again to repeat a placement whose outcome is unknown. */
  idempotencyKey: string | null;
  readonly retryable: boolean;
}

export interface VerifyOptions {
  /** Seconds, 300 by default. */
  tolerance?: number;
  /** Unix seconds in place of the clock, for tests. */
  now?: number;
}

type Bytes = string | ArrayBuffer | ArrayBufferView;

export function verifyWebhook(
  signature: string | Uint8Array | null | undefined,
  rawBody: Bytes,
  secret: Bytes,
  options?: VerifyOptions,
): boolean;

export function verifyStandardWebhook(
  headers: Record<string, string> | Headers | Map<string, string>,
  rawBody: Bytes,
  secret: Bytes,
  options?: VerifyOptions,
): boolean;

export function mapError(
  status: number,
  body: unknown,
  details?: { retryAfter?: number | null },
): ByoursideError;

export const TERMINAL_STATUSES: readonly Status[];
export const DEFAULT_BASE_URL: string;
export const VERSION: string;
