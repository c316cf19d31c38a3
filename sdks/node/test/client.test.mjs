import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ByoursideError, Client } from "byourside";
import { ScriptedServer, json } from "./kit.mjs";

const CONTRACT = new URL("../../../contract/", import.meta.url);
const load = (name) => JSON.parse(readFileSync(new URL(name, CONTRACT), "utf8"));
const QUEUED = json({ callId: "c1", status: "queued" });
const KEY = "bys_ak_test";

function patient(server, options = {}) {
  const rests = [];
  const sleep = async (seconds) => void rests.push(seconds);
  return [new Client({ apiKey: KEY, baseUrl: server.url, sleep, ...options }), rests];
}

test("only what was given is sent, with the key and a fresh idempotency key", () =>
  ScriptedServer.run([QUEUED], async (server) => {
    const [client] = patient(server);
    const placed = await client.placeCall({ to: "+14155550123", objective: "Ask the time.", context: null });
    assert.equal(placed.callId, "c1");
    assert.equal(placed.id, "c1");
    assert.deepEqual(JSON.parse(JSON.stringify(placed)), { callId: "c1", status: "queued" });
    const [{ method, path, headers, body }] = server.asked;
    assert.deepEqual([method, path], ["POST", "/v1/agent/calls"]);
    assert.deepEqual(body, { to: "+14155550123", objective: "Ask the time." });
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.match(headers["idempotency-key"], /^[0-9a-f-]{36}$/);
    assert.match(headers["user-agent"], /^byourside-node\//);
  }));

test("every field reaches the wire under its published name", () =>
  ScriptedServer.run([QUEUED], async (server) => {
    const full = load("examples/request_full.json");
    const [client] = patient(server);
    await client.placeCall(full);
    await client.placeCall({ ...full, scheduledAt: new Date(full.scheduledAt) });
    assert.deepEqual(server.asked.map((each) => each.body), [full, full]);
  }));

test("a misspelt field is told before anything is sent", () =>
  ScriptedServer.run([QUEUED], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.placeCall({ to: "+1", objective: "x", webhook_url: "https://x.example" }), TypeError);
    assert.equal(server.asked.length, 0);
  }));

test("passing trouble is repeated with the same idempotency key, after pauses that grow", () =>
  ScriptedServer.run([json({ error: "store_error" }, 503), { drops: true }, QUEUED], async (server) => {
    const [client, rests] = patient(server);
    await client.placeCall({ to: "+14155550123", objective: "x" });
    const keys = new Set(server.asked.map((each) => each.headers["idempotency-key"]));
    assert.deepEqual([server.asked.length, keys.size], [3, 1]);
    assert.ok(rests[0] >= 0.25 && rests[0] <= 0.5, String(rests[0]));
    assert.ok(rests[1] >= 0.5 && rests[1] <= 1, String(rests[1]));
  }));

test("Retry-After is honoured up to a minute and no further", async () => {
  await ScriptedServer.run([json({ error: "rate_limited" }, 429, { "Retry-After": "7" }), QUEUED], async (server) => {
    const [client, rests] = patient(server);
    await client.placeCall({ to: "+14155550123", objective: "x" });
    assert.deepEqual(rests, [7]);
  });
  await ScriptedServer.run([json({ error: "rate_limited" }, 429, { "Retry-After": "61" })], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.getCall("c1"), { code: "rate_limited", status: 429, retryAfter: 61 });
    assert.equal(server.asked.length, 1);
  });
});

test("what will not pass is not repeated, and a placement of unknown outcome names its key", async () => {
  await ScriptedServer.run([json({ error: "over_minute_cap", requestId: "req_1" }, 429)], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.placeCall({ to: "+14155550123", objective: "x" }), (error) => {
      assert.ok(error instanceof ByoursideError);
      assert.deepEqual([error.code, error.status, error.requestId], ["over_minute_cap", 429, "req_1"]);
      return true;
    });
    assert.equal(server.asked.length, 1);
  });
  await ScriptedServer.run([{ drops: true }], async (server) => {
    const [client] = patient(server);
    const placing = client.placeCall({ to: "+14155550123", objective: "x", idempotencyKey: "order-7" });
    await assert.rejects(placing, { code: "network_error", status: 0, idempotencyKey: "order-7" });
    assert.equal(server.asked.length, 4);
  });
});

test("an answer that is not this API's is an http_error", () =>
  ScriptedServer.run([{ raw: "<html>hello</html>" }, { raw: "[]" }], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.getCall("c1"), { code: "http_error", status: 200 });
    await assert.rejects(client.getCall("c1"), { code: "http_error", status: 200 });
  }));

test("a redirect is not followed: the key stays where it belongs", () =>
  ScriptedServer.run([{ status: 302, headers: { Location: "http://127.0.0.1:9/" }, raw: "" }], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.getCall("c1"), ByoursideError);
    assert.equal(server.asked.length, 1);
  }));

test("waiting ends at a terminal status and tells each change once", () => {
  const live = json({ callId: "c1", status: "in_progress", turns: [] });
  const done = json({ callId: "c1", status: "completed", turns: [] });
  return ScriptedServer.run([live, live, done], async (server) => {
    const [client, rests] = patient(server);
    const seen = [];
    const call = await client.waitForCall("c1", { onUpdate: (each) => seen.push(each.status) });
    assert.equal(call.status, "completed");
    assert.deepEqual(seen, ["in_progress", "completed"]);
    assert.deepEqual(rests, [5, 5]);
  });
});

test("waiting ends with `timeout` where the call goes on", () =>
  ScriptedServer.run([json({ callId: "c1", status: "dialing" })], async (server) => {
    const [client, rests] = patient(server);
    await assert.rejects(client.waitForCall("c1", { timeout: 12 }), { code: "timeout", status: 0 });
    assert.equal(rests.length, 3);
    assert.ok(rests.reduce((sum, each) => sum + each) <= 12);
  }));

test("an AbortSignal ends a request under way, and a wait, with its own reason", async () => {
  await ScriptedServer.run([{ hangs: true }], async (server) => {
    const [client] = patient(server);
    const stop = new AbortController();
    const asking = client.getCall("c1", { signal: stop.signal });
    stop.abort(new Error("changed my mind"));
    await assert.rejects(asking, { message: "changed my mind" });
  });
  await ScriptedServer.run([json({ callId: "c1", status: "dialing" })], async (server) => {
    const client = new Client({ apiKey: KEY, baseUrl: server.url });
    const stop = new AbortController();
    const waiting = client.waitForCall("c1", { signal: stop.signal, onUpdate: () => setImmediate(() => stop.abort()) });
    await assert.rejects(waiting, { name: "AbortError" });
    assert.equal(server.asked.length, 1);
  });
});

test("no answer in time is a network_error that says so", () =>
  ScriptedServer.run([{ hangs: true }], async (server) => {
    const [client] = patient(server, { timeout: 0.05, retries: 0 });
    await assert.rejects(client.getCall("c1"), { code: "network_error", message: /no answer within 0.05 s/ });
  }));

test("a list has its calls and the cursor that continues it", () =>
  ScriptedServer.run([json(load("examples/list.json"))], async (server) => {
    const [client] = patient(server);
    const calls = await client.listCalls({ limit: 2, before: "c/9", status: "completed" });
    assert.equal(server.asked[0].path, "/v1/agent/calls?limit=2&before=c%2F9&status=completed");
    assert.equal(calls.length, load("examples/list.json").calls.length);
    assert.equal(calls.nextCursor, load("examples/list.json").nextCursor);
  }));

test("cancelling posts to the call's own path", () =>
  ScriptedServer.run([json({ id: "a/b", status: "failed" })], async (server) => {
    const [client] = patient(server);
    assert.equal((await client.cancelCall("a/b")).callId, "a/b");
    assert.deepEqual([server.asked[0].method, server.asked[0].path], ["POST", "/v1/agent/calls/a%2Fb/cancel"]);
    assert.equal(server.asked[0].body, undefined);
  }));

test("a recording is saved whole or not at all", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "byourside-")), "call.wav");
  const sound = Buffer.alloc(200_000, 7);
  await ScriptedServer.run([{ raw: sound, headers: { "Content-Type": "audio/wav" } }], async (server) => {
    const [client] = patient(server);
    assert.equal(await client.downloadRecording("c1", path), sound.length);
    assert.ok(readFileSync(path).equals(sound));
  });
  writeFileSync(path, "before");
  const broken = { raw: sound.subarray(0, 1000), breaksOff: true, headers: { "Content-Length": "200000" } };
  await ScriptedServer.run([broken], async (server) => {
    const [client] = patient(server, { retries: 0 });
    await assert.rejects(client.downloadRecording("c1", path), { code: "network_error" });
  });
  assert.equal(readFileSync(path, "utf8"), "before");
  assert.ok(!existsSync(`${path}.part`));
  await ScriptedServer.run([{ raw: sound }], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.downloadRecording("c1", "/nowhere/at/all.wav"), { code: "ENOENT" });
    assert.equal(server.asked.length, 1);
  });
});

test("a client without a sound key or address is not made", () => {
  assert.throws(() => new Client({}), { code: "no_api_key" });
  assert.throws(() => new Client({ apiKey: "  " }), { code: "no_api_key" });
  assert.throws(() => new Client({ apiKey: "bys_ak_\nx" }), { code: "no_api_key" });
  assert.throws(() => new Client({ apiKey: KEY, baseUrl: "ftp://x" }), TypeError);
});

test("a call id that is missing asks for no list", () =>
  ScriptedServer.run([json({ calls: [] })], async (server) => {
    const [client] = patient(server);
    await assert.rejects(client.getCall(""), { code: "not_found" });
    assert.equal(server.asked.length, 0);
  }));

test("import and require give the same classes", () => {
  const required = createRequire(import.meta.url)("byourside");
  assert.equal(required.ByoursideError, ByoursideError);
  assert.equal(required.Client, Client);
});
