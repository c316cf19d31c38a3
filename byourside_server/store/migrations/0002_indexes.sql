-- SQLite uses a partial index only where the statement itself, without its parameters, implies the
-- index's condition. "state = ?" implies nothing, so every accepted call read all of its account's past.
DROP INDEX calls_queued;
DROP INDEX calls_open;
DROP INDEX calls_item;
DROP INDEX outbox_item;

-- Counts what is active, sums what is reserved and finds the oldest due call without looking at a row.
CREATE INDEX calls_gate ON calls (account_id, state, run_at, id, reserved_s);
-- "due_at < ?" implies that it is not null, on either database.
CREATE INDEX calls_item ON calls (item_due_at) WHERE item_due_at IS NOT NULL;
CREATE INDEX outbox_item ON outbox (item_due_at) WHERE item_due_at IS NOT NULL;
