"use strict";
// The client: place a call, follow it, fetch what came of it. Knows the API's paths and how to repeat a
// request without doing its work twice. HTTP is transport.cjs, the worth of a repeat retry.cjs.

const { randomUUID } = require("node:crypto");
const { isDeepStrictEqual } = require("node:util");
const { ByoursideError, mapError } = require("./errors.cjs");
const { TERMINAL_STATUSES, asRecord } = require("./records.cjs");
const { keepWhole } = require("./recording.cjs");
const { pauseBeforeNextTry } = require("./retry.cjs");
const { defaultFetch, reasonOf, send } = require("./transport.cjs");
const { VERSION } = require("./version.cjs");

const DEFAULT_BASE_URL = "https://api.byourside.ai";
const CALLS_PATH = "/v1/agent/calls";
// A header's value must not carry line ends or other alphabets.
const HEADER_SAFE = /^[\x21-\x7e]+$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const PLACEABLE = [
  "to",
  "objective",
  "context",
  "fields",
  "webhookUrl",
  "callerId",
  "metadata",
  "maxDurationSec",
  "language",
  "voicemail",
  "scheduledAt",
  "mustSay",
  "mustAsk",
  "hangUpOn",
];
const OPTIONS_OF_PLACING = new Set([...PLACEABLE, "idempotencyKey", "signal"]);

/** A phone for your program. Rejects with ByoursideError for everything the API or the network refuses. */
class Client {
  #key;
  #baseUrl;
  #fetch;
  #sleep;
  #timeoutMs;
  #retries;

  constructor({ apiKey, baseUrl = DEFAULT_BASE_URL, fetch, sleep, timeout = 30, retries = 3 } = {}) {
    const key = typeof apiKey === "string" ? apiKey.trim() : "";
    if (!key) throw new ByoursideError("no_api_key");
    if (!HEADER_SAFE.test(key)) {
      throw new ByoursideError("no_api_key", 0, "The API key holds characters that no key has.");
    }
    this.#key = key;
    this.#baseUrl = checkedBaseUrl(baseUrl);
    this.#fetch = fetch ?? defaultFetch;
    this.#sleep = sleep ?? pause;
    this.#timeoutMs = timeout === null ? 0 : timeout * 1000;
    this.#retries = retries;
  }

  /** Have `to` called toward `objective`; answers at once with `callId` and `status`. */
  async placeCall(request) {
    const unknown = Object.keys(request ?? {}).find((name) => !OPTIONS_OF_PLACING.has(name));
    if (unknown !== undefined) throw new TypeError(`placeCall knows no ${JSON.stringify(unknown)}`);
    const body = {};
    for (const name of PLACEABLE) {
      if (request?.[name] !== undefined && request[name] !== null) body[name] = request[name];
    }
    if (body.scheduledAt instanceof Date) body.scheduledAt = body.scheduledAt.toISOString();
    return asRecord(await this.#post(CALLS_PATH, body, request?.idempotencyKey, request?.signal));
  }

  /** The call as it stands now. */
  async getCall(callId, { signal } = {}) {
    return asRecord(record(await this.#request("GET", callPath(callId), { signal })));
  }

  /** The account's calls, most recent first; `nextCursor`, given back as `before`, continues the list. */
  async listCalls({ limit = 20, before, status, signal } = {}) {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before) query.set("before", before);
    if (status) query.set("status", status);
    const answer = await this.#request("GET", `${CALLS_PATH}?${query}`, { signal });
    const calls = Array.isArray(answer.body) ? answer.body : answer.body?.calls;
    if (!Array.isArray(calls)) throw notOurs(answer);
    const listed = calls.map((call) => asRecord(record({ ...answer, body: call })));
    const cursor = answer.body.nextCursor;
    return Object.assign(listed, { nextCursor: typeof cursor === "string" ? cursor : null });
  }

  /**
   * The call once it is over, asked for every `interval` seconds; after `timeout` seconds rejects with code
   * `timeout`. `onUpdate` is given each record that differs from the one before.
   */
  async waitForCall(callId, { timeout = 180, interval = 5, onUpdate, signal } = {}) {
    const patience = new Patience(timeout);
    let last;
    for (;;) {
      const answer = await this.#request("GET", callPath(callId), { signal, patience });
      const call = asRecord(record(answer));
      if (onUpdate && !isDeepStrictEqual(call, last)) await onUpdate(call);
      if (TERMINAL_STATUSES.includes(call.status)) return call;
      last = call;
      const left = patience.remaining();
      if (left <= 0) {
        const sentence = `Call ${callId} was still ${call.status} after ${timeout} s.`;
        throw new ByoursideError("timeout", 0, sentence);
      }
      await this.#rest(Math.max(0, Math.min(interval, left)), signal, patience);
    }
  }

  /** Take back a call that waits, or hang up one that runs; a call that is over is `call_ended`. */
  async cancelCall(callId, { signal } = {}) {
    return asRecord(await this.#post(`${callPath(callId)}/cancel`, undefined, undefined, signal));
  }

  /** Write the call's recording (WAV) to `path`; resolves to its size in bytes. Whole, or not at all. */
  async downloadRecording(callId, path, { signal } = {}) {
    const read = (response, isAlive) => keepWhole(response, path, isAlive);
    const answer = await this.#request("GET", `${callPath(callId)}/recording`, { signal, read });
    return answer.body;
  }

  async #post(path, body, idempotencyKey, signal) {
    const key = idempotencyKey ?? randomUUID();
    if (!IDEMPOTENCY_KEY.test(key)) throw new ByoursideError("invalid_idempotency_key");
    try {
      return record(await this.#request("POST", path, { body, signal, headers: { "Idempotency-Key": key } }));
    } catch (fault) {
      if (fault instanceof ByoursideError) fault.idempotencyKey = key;
      throw fault;
    }
  }

  /** The successful answer, asked for again while that may help and the wait allows it. */
  async #request(method, path, { body, headers, signal, patience, read } = {}) {
    const options = {
      method,
      headers: { ...this.#headers(body), ...(read && { Accept: "audio/wav, application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await send(this.#fetch, this.#baseUrl + path, options, {
          timeoutMs: this.#timeoutMs,
          signal,
          read,
        });
        if (answer.status >= 200 && answer.status < 300) return answer;
        throw mapError(answer.status, answer.body, { retryAfter: answer.retryAfter });
      } catch (fault) {
        if (!(fault instanceof ByoursideError)) throw fault;
        const rest = pauseBeforeNextTry(fault, tries, this.#retries, Math.random());
        if (rest === null || (patience && rest > patience.remaining())) throw fault;
        await this.#rest(rest, signal, patience);
      }
    }
  }

  #headers(body) {
    return {
      Authorization: `Bearer ${this.#key}`,
      Accept: "application/json",
      "User-Agent": `byourside-node/${VERSION}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    };
  }

  async #rest(seconds, signal, patience) {
    await this.#sleep(seconds, signal);
    if (signal?.aborted) throw reasonOf(signal);
    patience?.spend(seconds);
  }
}

/** How much of a wait is left: counts the clock or the seconds slept, whichever is more (tests pretend). */
class Patience {
  constructor(seconds) {
    this.seconds = seconds;
    this.beganAt = performance.now();
    this.slept = 0;
  }

  remaining() {
    return this.seconds - Math.max((performance.now() - this.beganAt) / 1000, this.slept);
  }

  spend(seconds) {
    this.slept += seconds;
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, seconds * 1000);
    const abort = () => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    function done() {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}

function checkedBaseUrl(baseUrl) {
  let url;
  try {
    url = new URL(baseUrl);
  } catch {
    url = null;
  }
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`baseUrl must be an http:// or https:// URL, not ${JSON.stringify(baseUrl)}`);
  }
  return String(baseUrl).replace(/\/+$/, "");
}

function callPath(callId) {
  // Without an id the path would be that of the list.
  if (!callId) throw new ByoursideError("not_found", 0, "A call id is needed.");
  return `${CALLS_PATH}/${encodeURIComponent(callId)}`;
}

function record(answer) {
  if (answer.body === null || typeof answer.body !== "object" || Array.isArray(answer.body)) throw notOurs(answer);
  return answer.body;
}

function notOurs(answer) {
  const sentence = `The server answered HTTP ${answer.status}, but not as this API does; is baseUrl right?`;
  return new ByoursideError("http_error", answer.status, sentence);
}

module.exports = { Client, DEFAULT_BASE_URL };
