-- Who may look at the dashboard: one password, and the browsers that have shown it.
CREATE TABLE dashboard_password (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  hash TEXT NOT NULL,
  changed_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE dashboard_sessions (
  hash TEXT PRIMARY KEY,
  account_id TEXT,
  created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX dashboard_sessions_age ON dashboard_sessions (expires_at);
