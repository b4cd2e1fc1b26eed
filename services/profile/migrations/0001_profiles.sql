-- Counts live in the row and change in the same transaction as `follows`, so a profile is one read.
create table profiles (
  id              uuid primary key,
  username        text not null,
  display_name    text not null,
  bio             text not null default '',
  avatar_url      text,
  follower_count  integer not null default 0 check (follower_count >= 0),
  following_count integer not null default 0 check (following_count >= 0),
  created_at      timestamptz(3) not null,
  updated_at      timestamptz(3) not null default now()
);

-- Milliseconds, as in the cursors made of them: a finer time would be cut there and lose rows.
create table follows (
  follower_id  uuid not null references profiles,
  following_id uuid not null references profiles,
  created_at   timestamptz(3) not null default now(),
  primary key (follower_id, following_id),
  check (follower_id <> following_id)
);

-- Pages of either list, newest first, at the same cost at any depth.
create index follows_of_followed on follows (following_id, created_at desc, follower_id desc);
create index follows_of_follower on follows (follower_id, created_at desc, following_id desc);

create table outbox (
  id          uuid primary key,
  type        text not null,
  payload     jsonb not null,
  traceparent text,
  tracestate  text,
  baggage     text,
  created_at  timestamptz not null default now()
);
