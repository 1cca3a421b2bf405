ALTER TABLE managed_key ADD COLUMN destroyed_record BIGINT;
