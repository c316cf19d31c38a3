-- Who answered, how that was known and how soon, as JSON; null where nobody answered.
ALTER TABLE calls ADD COLUMN answering TEXT;
