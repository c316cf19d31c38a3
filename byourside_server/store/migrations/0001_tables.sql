-- Everything of the first edition. {serial} is the dialect's own numbering primary key.

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  max_concurrent INTEGER NOT NULL,
  calls_per_minute INTEGER NOT NULL,
  minute_allowance DOUBLE PRECISION,
  default_caller_id TEXT,
  webhook_secret TEXT NOT NULL,
  webhook_secret_previous TEXT,
  previous_secret_expires_at DOUBLE PRECISION,
  next_due_at DOUBLE PRECISION,
  created_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX accounts_due ON accounts (next_due_at) WHERE next_due_at IS NOT NULL;

CREATE TABLE agent_keys (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  last4 TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  revoked_at DOUBLE PRECISION,
  bucket_level DOUBLE PRECISION,
  bucket_at DOUBLE PRECISION
);
CREATE INDEX agent_keys_account ON agent_keys (account_id);

CREATE TABLE numbers (
  e164 TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  created_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX numbers_account ON numbers (account_id);

CREATE TABLE usage (
  account_id TEXT NOT NULL,
  month TEXT NOT NULL,
  seconds DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (account_id, month)
);

CREATE TABLE calls (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  key_id TEXT,
  state TEXT NOT NULL,
  request TEXT NOT NULL,
  webhook_url TEXT,
  caller_id TEXT NOT NULL,
  reserved_s DOUBLE PRECISION NOT NULL,
  run_at DOUBLE PRECISION NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  attempt INTEGER NOT NULL,
  owner TEXT,
  dialing_at DOUBLE PRECISION,
  ringing_at DOUBLE PRECISION,
  answered_at DOUBLE PRECISION,
  touched_at DOUBLE PRECISION,
  ended_at DOUBLE PRECISION,
  finished_at DOUBLE PRECISION,
  answered_by TEXT,
  ended_by TEXT,
  end_reason TEXT,
  error TEXT,
  sip TEXT,
  turns TEXT,
  report TEXT,
  analysis TEXT,
  analysis_attempts INTEGER NOT NULL,
  recording_ms INTEGER,
  latency TEXT,
  mind TEXT,
  cancel_requested_at DOUBLE PRECISION,
  sequence INTEGER NOT NULL,
  item_key TEXT,
  item_due_at DOUBLE PRECISION
);
CREATE INDEX calls_recent ON calls (account_id, created_at, id);
CREATE INDEX calls_queued ON calls (account_id, run_at) WHERE state = 'queued';
CREATE INDEX calls_open ON calls (account_id, state)
  WHERE state IN ('queued', 'claimed', 'dialing', 'in_progress', 'post');
CREATE INDEX calls_owner ON calls (owner) WHERE owner IS NOT NULL;
CREATE INDEX calls_item ON calls (item_due_at) WHERE state IN ('claimed', 'post');

CREATE TABLE events (
  id {serial},
  event_id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  type TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX events_account ON events (account_id, id);
CREATE UNIQUE INDEX events_call ON events (call_id, sequence);

CREATE TABLE outbox (
  event_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  url TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  item_key TEXT,
  item_due_at DOUBLE PRECISION
);
-- One head per call, by law: two would break the order of delivery.
CREATE UNIQUE INDEX outbox_head ON outbox (call_id) WHERE state = 'head';
CREATE INDEX outbox_call ON outbox (call_id, sequence);
CREATE INDEX outbox_item ON outbox (item_due_at) WHERE state = 'head';

CREATE TABLE deliveries (
  id {serial},
  event_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  replay INTEGER NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  status INTEGER,
  took_ms INTEGER NOT NULL,
  error TEXT,
  excerpt TEXT
);
CREATE INDEX deliveries_call ON deliveries (call_id, id);

CREATE TABLE idempotency (
  account_id TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  call_id TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  beat_at DOUBLE PRECISION NOT NULL,
  dead INTEGER NOT NULL
);
