-- What language models were asked during the conversation, as JSON; null where none was.
ALTER TABLE calls ADD COLUMN usage TEXT;
