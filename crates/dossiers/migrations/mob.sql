CREATE TABLE mob_subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    company TEXT NOT NULL,
    citizen TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE TABLE mob_replies (
    id TEXT NOT NULL PRIMARY KEY,
    company TEXT NOT NULL,
    digest TEXT NOT NULL,
    subscription TEXT,
    reply TEXT,
    error TEXT,
    received BIGINT NOT NULL
);
CREATE INDEX mob_replies_by_digest ON mob_replies (company, digest);
CREATE INDEX mob_replies_by_subscription ON mob_replies (subscription)
