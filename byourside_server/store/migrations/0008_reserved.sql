-- What an account's open calls hold of its minute allowance, as a running sum: adding it up for each accepted
-- call cost more the more calls were open.
ALTER TABLE accounts ADD COLUMN reserved_s DOUBLE PRECISION NOT NULL DEFAULT 0;
UPDATE accounts SET reserved_s = coalesce(
  (SELECT sum(calls.reserved_s) FROM calls
    WHERE calls.account_id = accounts.id AND calls.state IN ('queued', 'claimed', 'dialing', 'in_progress')),
  0
);
