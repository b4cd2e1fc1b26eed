-- A row comes before its bytes and goes after them, so storage never holds bytes that no row names.
create table media (
  id           uuid primary key,
  owner_id     uuid not null,
  status       text not null default 'uploading'
               check (status in ('uploading', 'processing', 'ready', 'failed', 'deleting')),
  content_type text,
  bytes        integer,
  -- As seen, after the rotation that the picture asks for. Unknown of a video.
  width        integer,
  height       integer,
  -- Of the bytes in storage.
  sha256       bytea,
  created_at   timestamptz(3) not null default now(),
  -- Moves on while bytes arrive: an upload whose process died stands still.
  touched_at   timestamptz(3) not null default now(),
  check (status in ('uploading', 'deleting') or
         (content_type is not null and bytes is not null and sha256 is not null))
);

-- The same bytes of the same person are kept once.
create unique index media_by_content on media (owner_id, sha256)
  where status in ('processing', 'ready');

-- What the sweeper looks for: few rows at any time.
create index media_unfinished on media (touched_at) where status in ('uploading', 'deleting');

-- The pictures made of a picture, once they are in storage.
create table variants (
  media_id uuid not null references media on delete cascade,
  name     text not null check (name in ('thumb', 'card')),
  bytes    integer not null,
  width    integer not null,
  height   integer not null,
  sha256   bytea not null,
  primary key (media_id, name)
);

-- Which posts show what. Asked for before the post is stored, confirmed once it is.
create table uses (
  media_id   uuid not null references media,
  post_id    uuid not null,
  confirmed  boolean not null default false,
  created_at timestamptz(3) not null default now(),
  primary key (media_id, post_id)
);

create index uses_of_post on uses (post_id);
create index uses_unconfirmed on uses (created_at) where not confirmed;

create table outbox (
  id          uuid primary key,
  type        text not null,
  payload     jsonb not null,
  traceparent text,
  tracestate  text,
  baggage     text,
  created_at  timestamptz not null default now()
);
