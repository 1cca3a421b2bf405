-- Which login sent a reply, and where the element's log has its outcome: none until it is recorded.
ALTER TABLE mob_replies ADD COLUMN login TEXT;
ALTER TABLE mob_replies ADD COLUMN log_index BIGINT
