create extension if not exists citext;

-- A person. Someone who came through a provider alone has no password.
create table users (
  id            uuid primary key,
  email         citext not null,
  username      citext not null,
  password_hash text,
  roles         text[] not null default '{user}',
  created_at    timestamptz not null default now(),
  constraint users_email_key unique (email),
  constraint users_username_key unique (username)
);

-- Which account at a provider belongs to which person.
create table identities (
  provider   text not null,
  subject    text not null,
  user_id    uuid not null references users on delete cascade,
  created_at timestamptz not null default now(),
  primary key (provider, subject)
);
create index identities_user_id on identities (user_id);

create table sessions (
  id         uuid primary key,
  user_id    uuid not null references users on delete cascade,
  provider   text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index sessions_user_id on sessions (user_id);
create index sessions_expires_at on sessions (expires_at);

-- Refresh tokens as SHA-256. Used ones stay until their session ends: one that comes again was stolen.
create table refresh_tokens (
  hash       bytea primary key,
  session_id uuid not null references sessions on delete cascade,
  user_id    uuid not null references users on delete cascade,
  created_at timestamptz not null default now(),
  used_at    timestamptz
);
create index refresh_tokens_session_id on refresh_tokens (session_id);

-- The service reaches a session only in a transaction that says for whom; even a forgotten
-- `where user_id =` then shows nobody else's. FORCE binds the tables' owner too.
alter table sessions enable row level security;
alter table sessions force row level security;
create policy own_sessions on sessions
  using (user_id = nullif(current_setting('app.user_id', true), '')::uuid);

create table outbox (
  id          uuid primary key,
  type        text not null,
  payload     jsonb not null,
  traceparent text,
  tracestate  text,
  baggage     text,
  created_at  timestamptz not null default now()
);

-- The service may not see other people's sessions, so it cannot clear them away itself.
-- As the owner, who is a superuser, this can; it shows nothing.
create function drop_ended_sessions() returns void
  language sql security definer set search_path = public
  as $$ delete from sessions where expires_at < now() - interval '1 day' $$;
