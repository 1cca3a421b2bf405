-- The seed of the key that webhooks are signed with: shared by the processes of one platform. It proves that the platform sent a hint, no more.
CREATE TABLE webhook_key (
  id BIGINT PRIMARY KEY,
  seed BYTEA NOT NULL,
  created BIGINT NOT NULL
);
