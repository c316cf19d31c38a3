// The same vectors bind the server, this package and the Python one: contract/*.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { TERMINAL_STATUSES, VERSION, mapError, verifyStandardWebhook, verifyWebhook } from "byourside";

const require = createRequire(import.meta.url);
const { MESSAGE_OF_CODE } = require("../lib/errors.cjs");
const load = (name) => JSON.parse(readFileSync(new URL(`../../../contract/${name}`, import.meta.url), "utf8"));

test("each X-BYS-Signature is judged as stated, as text and as bytes", () => {
  const vectors = load("signatures.json").x_bys_signature;
  assert.ok(vectors.length > 40);
  for (const { name, header, body, secret, tolerance, now, valid } of vectors) {
    for (const given of [body, Buffer.from(body), new TextEncoder().encode(body)]) {
      assert.equal(verifyWebhook(header, given, secret, { tolerance, now }), valid, name);
    }
  }
});

test("each Standard Webhook is judged as stated, whatever holds its headers", () => {
  for (const vector of load("signatures.json").standard_webhooks) {
    const plain = {
      "Webhook-Id": vector.id,
      "Webhook-Timestamp": vector.timestamp,
      "Webhook-Signature": vector.signature,
    };
    const { body, secret, tolerance, now, valid, name } = vector;
    for (const headers of [plain, new Map(Object.entries(plain))]) {
      assert.equal(verifyStandardWebhook(headers, body, secret, { tolerance, now }), valid, name);
    }
  }
});

test("verifying never throws", () => {
  for (const odd of [null, undefined, 5, {}, [], "", "t=,v1=", "t=1,t=1,v1=a"]) {
    assert.equal(verifyWebhook(odd, "{}", "s"), false);
    assert.equal(verifyWebhook("t=1,v1=a", odd, odd), false);
    assert.equal(verifyStandardWebhook(odd, odd, odd), false);
  }
});

test("every published token has its sentence, and no other is claimed", () => {
  const published = load("errors.json").map((row) => row.token);
  assert.deepEqual([...Object.keys(MESSAGE_OF_CODE)].sort(), published.sort());
});

test("each published error is mapped to its token, status and retryability", () => {
  for (const { token, status, retryable } of load("errors.json")) {
    const error = mapError(status, { error: token });
    assert.deepEqual([error.code, error.status, error.retryable], [token, status, retryable], token);
    if (token !== "http_error") assert.equal(error.message, MESSAGE_OF_CODE[token]);
  }
});

test("the terminal statuses are the published ones", () => {
  const published = load("statuses.json");
  const terminal = published.filter((row) => row.terminal).map((row) => row.status ?? row.token ?? row.name);
  assert.deepEqual([...TERMINAL_STATUSES].sort(), terminal.sort());
});

test("the package and the code are of one version", () => {
  assert.equal(require("../package.json").version, VERSION);
});
