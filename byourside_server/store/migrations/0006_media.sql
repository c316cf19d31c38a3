-- How the sound of the call travelled, as JSON; null where none did.
ALTER TABLE calls ADD COLUMN media TEXT;
