ALTER TABLE decision ADD COLUMN logged BIGINT;
CREATE INDEX decision_logged ON decision (logged);
