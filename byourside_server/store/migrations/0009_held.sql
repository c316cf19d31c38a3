-- Which worker is sending a webhook: the outbox is looked through by the workers themselves.
ALTER TABLE outbox ADD COLUMN held_by TEXT;
