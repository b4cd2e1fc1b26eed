-- `direct` is between two people and stays so; into a `group` people come and go.
create table conversations (
  id          uuid primary key,
  kind        text not null check (kind in ('direct', 'group')),
  title       text,
  -- Of a direct conversation, both people's ids in order: two who write first at once make one.
  direct_key  text unique check ((kind = 'direct') = (direct_key is not null)),
  made_by     uuid not null,
  -- Id of the last message, or the conversation's own: the order of ids is the order of activity.
  activity_id uuid not null,
  created_at  timestamptz(3) not null default now()
);

create table members (
  conversation_id uuid not null references conversations,
  user_id         uuid not null,
  joined_at       timestamptz(3) not null default now(),
  last_read_id    uuid,
  primary key (conversation_id, user_id)
);
create index members_of_user on members (user_id);

-- `tx` and `snapshot` say what of all else was visible when a message was written, and to whom it
-- became visible itself: so what came after it is known exactly, whatever the order of commits.
create table messages (
  id              uuid primary key,
  conversation_id uuid not null references conversations,
  sender_id       uuid not null,
  client_id       text not null,
  body            text not null,
  created_at      timestamptz(3) not null
                  generated always as (uuid_extract_timestamp(id)) stored,
  tx              xid8 not null default pg_current_xact_id(),
  snapshot        pg_snapshot not null default pg_current_snapshot(),
  -- Sent again, it is the same message.
  unique (sender_id, client_id)
);
create index messages_of_conversation on messages (conversation_id, id desc);

create table outbox (
  id          uuid primary key,
  type        text not null,
  payload     jsonb not null,
  traceparent text,
  tracestate  text,
  baggage     text,
  created_at  timestamptz not null default now()
);

-- The service reaches conversations only in a transaction that says for whom; even a forgotten
-- `where` then shows nobody else's. FORCE binds the tables' owner too.
create function app_user() returns uuid
  language sql stable
  as $$ select nullif(current_setting('app.user_id', true), '')::uuid $$;

-- A policy on members that asked members would ask itself without end. These functions run as the
-- owner, who is a superuser, and tell no more than the person they are asked for may know.
create function is_member(conversation uuid) returns boolean
  language sql stable security definer set search_path = public
  as $$ select exists (select 1 from members
                       where conversation_id = conversation and user_id = app_user()) $$;

create function is_maker(conversation uuid) returns boolean
  language sql stable security definer set search_path = public
  as $$ select exists (select 1 from conversations
                       where id = conversation and kind = 'group' and made_by = app_user()) $$;

-- A direct conversation takes the two it is named after; a group whom its maker or a member brings.
create function may_join(conversation uuid, person uuid) returns boolean
  language sql stable security definer set search_path = public
  as $$ select case kind
                 when 'direct' then strpos(direct_key, app_user()::text) > 0
                                    and strpos(direct_key, person::text) > 0
                 else made_by = app_user() or is_member(id)
               end
        from conversations where id = conversation $$;

-- All members' ids in one value, with a space between them: a room of a thousand is read at once.
create function member_ids(conversation uuid) returns text
  language sql stable security definer set search_path = public
  as $$ select string_agg(user_id::text, ' ' order by user_id) from members
        where conversation_id = conversation and is_member(conversation) $$;

alter table conversations enable row level security;
alter table conversations force row level security;
create policy see on conversations for select
  using (made_by = app_user()
         or exists (select 1 from members where conversation_id = id and user_id = app_user()));
create policy begin on conversations for insert
  with check (made_by = app_user()
              and (kind = 'group' or strpos(direct_key, app_user()::text) > 0));
create policy keep on conversations for update using (is_member(id));

alter table members enable row level security;
alter table members force row level security;
create policy see on members for select
  using (user_id = app_user() or is_member(conversation_id));
create policy bring on members for insert with check (may_join(conversation_id, user_id));
create policy read_on on members for update using (user_id = app_user());
create policy leave on members for delete
  using (user_id = app_user() or is_maker(conversation_id));

-- What was said is neither changed nor taken back: there is no policy for either.
alter table messages enable row level security;
alter table messages force row level security;
create policy see on messages for select
  using (exists (select 1 from members
                 where members.conversation_id = messages.conversation_id
                   and user_id = app_user()));
create policy say on messages for insert
  with check (sender_id = app_user()
              and exists (select 1 from members
                          where members.conversation_id = messages.conversation_id
                            and user_id = app_user()));
