-- Posts that are gone: what says that one was stored may come after what says that it was deleted.
create table withdrawn (
  post_id    uuid primary key,
  created_at timestamptz(3) not null default now()
);

create index withdrawn_by_time on withdrawn (created_at);

-- What the sweeper looks for: pictures whose variants nobody makes.
create index media_unmade on media (touched_at) where status = 'processing';
