"use strict";
// HTTP by the runtime's own fetch: one request, one answer, no opinion about either. Follows no redirect
// (the key would travel to another host) and throws `network_error` for everything that is not an answer.

const { ByoursideError } = require("./errors.cjs");

/** The fetch that is used where none is given; looked up late, so that a test's replacement counts. */
function defaultFetch(url, options) {
  return globalThis.fetch(url, options);
}

/** One request; `read` makes of a successful Response what the caller wants, refusals are read as JSON. */
async function send(fetch, url, options, { timeoutMs, signal, read }) {
  const patience = new AbortController();
  const timer = timeoutMs ? setTimeout(() => patience.abort(), timeoutMs) : undefined;
  const giveUp = () => patience.abort();
  if (signal?.aborted) throw reasonOf(signal);
  signal?.addEventListener("abort", giveUp, { once: true });
  // Each wait for bytes has the whole patience, as a long recording needs it.
  const isAlive = () => timer?.refresh?.();
  try {
    const response = await fetch(url, { ...options, redirect: "manual", signal: patience.signal });
    const status = response.status;
    const retryAfter = secondsOf(response.headers.get("retry-after"));
    if (status >= 200 && status < 300 && read) {
      return { status, retryAfter, body: await read(response, isAlive) };
    }
    return { status, retryAfter, body: parsed(await response.text()) };
  } catch (fault) {
    if (signal?.aborted) throw reasonOf(signal);
    if (fault instanceof ByoursideError || fault?.isLocal) throw fault;
    throw networkError(url, fault, patience.signal.aborted, timeoutMs);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

function networkError(url, fault, ranOut, timeoutMs) {
  const host = new URL(url).host;
  const why = ranOut ? `no answer within ${timeoutMs / 1000} s` : fault?.cause?.message || fault?.message || fault;
  return new ByoursideError("network_error", 0, `Could not reach ${host}: ${why}.`, { cause: fault });
}

function reasonOf(signal) {
  return signal.reason ?? new DOMException("The operation was aborted.", "AbortError");
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Retry-After in seconds: a number, or a date from now; null where there is none that makes sense. */
function secondsOf(header) {
  if (header === null || header === undefined) return null;
  const text = header.trim();
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, (at - Date.now()) / 1000);
}

module.exports = { defaultFetch, reasonOf, secondsOf, send };
