-- Family names in small letters, for lists; of subscriptions from before there is none, and the list reads it where it is.
ALTER TABLE mob_requests ADD COLUMN last_name TEXT;
-- Drafts are counted before each new one.
CREATE INDEX mob_requests_drafts ON mob_requests (owner, status, citizen)
