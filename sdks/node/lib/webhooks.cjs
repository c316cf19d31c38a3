"use strict";
// Did this webhook really come from the server, and just now? Functions of header, body, secret and time.
// They never throw: whatever is wrong, the answer is false. Pass the body exactly as received.

const { createHmac, timingSafeEqual } = require("node:crypto");

// ASCII digits only, and few: Number() would also take "1e9", "0x10" and blanks.
const UNIX_SECONDS = /^[0-9]{1,12}$/;
const STRICT_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Whether `signature` (the X-BYS-Signature header) signs `rawBody` with `secret`, within `tolerance` seconds.
 *
 * The header is `t=<unix seconds>,v1=<hex>`, hex being HMAC-SHA256 of `<t>.<rawBody>` under the whole
 * secret. It may carry several `v1` while a secret is being rotated; one match is enough.
 */
function verifyWebhook(signature, rawBody, secret, { tolerance = 300, now } = {}) {
  try {
    const key = bytes(secret);
    if (!signature || !key.length) return false;
    const times = [];
    const given = [];
    for (const part of header(signature).split(",")) {
      const [name, value] = split(part.trim(), "=");
      if (name === "t") times.push(value);
      else if (name === "v1") given.push(value);
    }
    if (times.length !== 1 || !isRecent(times[0], tolerance, now)) return false;
    const expected = hmac(key, `${times[0]}.`, rawBody).toString("hex");
    return anyEqual(expected, given);
  } catch {
    return false;
  }
}

/**
 * The same question by the Standard Webhooks headers, which every delivery carries too.
 *
 * `headers` may be a plain object, a Map or a Headers; names are compared without regard to case.
 */
function verifyStandardWebhook(headers, rawBody, secret, { tolerance = 300, now } = {}) {
  try {
    const found = new Map();
    for (const [name, value] of entries(headers)) found.set(name.toLowerCase(), value);
    const id = found.get("webhook-id");
    const timestamp = found.get("webhook-timestamp") ?? "";
    const key = decoded(secret);
    if (!id || !key.length || !isRecent(timestamp, tolerance, now)) return false;
    const expected = hmac(key, `${id}.${timestamp}.`, rawBody).toString("base64");
    const given = (found.get("webhook-signature") ?? "").split(" ").filter((part) => part.startsWith("v1,"));
    return anyEqual(expected, given.map((part) => part.slice("v1,".length)));
  } catch {
    return false;
  }
}

function isRecent(unixSeconds, tolerance, now) {
  if (!UNIX_SECONDS.test(unixSeconds)) return false;
  return Math.abs((now ?? Date.now() / 1000) - Number(unixSeconds)) <= tolerance;
}

function hmac(key, prefix, rawBody) {
  return createHmac("sha256", key).update(prefix, "utf8").update(bytes(rawBody)).digest();
}

function anyEqual(expected, given) {
  const wanted = Buffer.from(expected);
  // No early exit, so that the time taken does not tell which one matched.
  return given
    .map((text) => Buffer.from(text, "utf8"))
    .map((candidate) => candidate.length === wanted.length && timingSafeEqual(candidate, wanted))
    .includes(true);
}

function decoded(secret) {
  const whole = bytes(secret).toString("utf8");
  const text = whole.startsWith("whsec_") ? whole.slice("whsec_".length) : whole;
  return STRICT_BASE64.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0);
}

function entries(headers) {
  return typeof headers.entries === "function" ? headers.entries() : Object.entries(headers);
}

function header(value) {
  return typeof value === "string" ? value : Buffer.from(value).toString("latin1");
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function bytes(value) {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError("text or bytes are needed");
}

module.exports = { verifyStandardWebhook, verifyWebhook };
