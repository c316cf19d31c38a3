-- A page of the calls in one state, however many calls in other states lie between them.
CREATE INDEX calls_status ON calls (account_id, state, created_at, id);
