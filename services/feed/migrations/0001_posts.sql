-- The card (name and picture) of everybody who wrote something, as profile last told it.
create table authors (
  id           uuid primary key,
  username     text not null,
  display_name text not null,
  avatar_url   text,
  -- Followed by so many that posts are merged in when a timeline is read, not pushed to each.
  celebrity    boolean not null default false,
  -- When profile changed the card. Unknown of a card that was asked for: whatever profile tells is newer.
  updated_at   timestamptz(3) not null default '-infinity'
);

-- Ids are UUIDs of version 7, so the order of ids is the order of time.
-- Counts change in the same transaction as what they count; `version` says which of two is newer.
create table posts (
  id             uuid primary key,
  user_id        uuid not null references authors,
  content        text not null,
  media_ids      uuid[] not null default '{}',
  is_share       boolean not null default false,
  -- No reference: a post that thousands shared is deleted at once, its shares after it in portions.
  shared_post_id uuid,
  like_count     integer not null default 0 check (like_count >= 0),
  comment_count  integer not null default 0 check (comment_count >= 0),
  version        integer not null default 0,
  created_at     timestamptz(3) not null default now(),
  updated_at     timestamptz(3) not null default now()
);

-- Pages of one author, and of many, newest first, at the same cost at any depth.
create index posts_of_author on posts (user_id, id desc);
create index posts_of_shared on posts (shared_post_id) where shared_post_id is not null;
-- Nobody shares the same post twice without a word.
create unique index wordless_shares on posts (user_id, shared_post_id) where content = '';

create table likes (
  user_id    uuid not null,
  post_id    uuid not null references posts on delete cascade,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, post_id)
);
create index likes_of_post on likes (post_id);

create table comments (
  id         uuid primary key,
  post_id    uuid not null references posts on delete cascade,
  user_id    uuid not null references authors,
  content    text not null,
  created_at timestamptz(3) not null default now()
);
create index comments_of_post on comments (post_id, id desc);

create table outbox (
  id          uuid primary key,
  type        text not null,
  payload     jsonb not null,
  traceparent text,
  tracestate  text,
  baggage     text,
  created_at  timestamptz not null default now()
);
