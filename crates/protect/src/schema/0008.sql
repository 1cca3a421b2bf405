-- Refused calls are refusals: a failure is an answer where nobody is turned away.
ALTER TABLE protect_failed RENAME TO protect_refused;
DROP INDEX protect_failed_created;
CREATE INDEX protect_refused_created ON protect_refused (organisation, created, number);
