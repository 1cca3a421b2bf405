-- By which a grant of the intake is known for one of this platform's before it is looked up: shared by its processes. It opens nothing.
CREATE TABLE intake_grant_key (
  id BIGINT PRIMARY KEY,
  key BYTEA NOT NULL
)
