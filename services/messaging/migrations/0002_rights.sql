-- What row-level security cannot tell: which columns of a row one may see are one's own to change.
-- A member who could move their row would walk into any conversation; a message says itself neither
-- when it was written nor what it could see.
revoke update on conversations, members, messages from messaging;
grant update (activity_id) on conversations to messaging;
grant update (last_read_id) on members to messaging;
revoke insert on messages from messaging;
grant insert (id, conversation_id, sender_id, client_id, body) on messages to messaging;

-- Temporary tables would be looked up first, unless they are named last.
alter function is_member(uuid) set search_path = public, pg_temp;
alter function is_maker(uuid) set search_path = public, pg_temp;
alter function may_join(uuid, uuid) set search_path = public, pg_temp;
alter function member_ids(uuid) set search_path = public, pg_temp;

-- A group goes from its maker to whoever has been in it longest; nobody else can give it away.
create function hand_over(conversation uuid) returns void
  language sql security definer set search_path = public, pg_temp
  as $$ update conversations set made_by = heir.user_id
        from (select user_id from members
              where conversation_id = conversation and user_id <> app_user()
              order by joined_at, user_id limit 1) as heir
        where id = conversation and kind = 'group' and made_by = app_user() $$;

-- A message for delivery, with who is in its conversation now. Its sender may have left by then.
create function sent_message(message uuid)
  returns table (id uuid, conversation_id uuid, sender_id uuid, body text,
                 created_at timestamptz(3), client_id text, member_ids text)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select sent.id, sent.conversation_id, sent.sender_id, sent.body, sent.created_at,
          sent.client_id,
          (select string_agg(user_id::text, ' ' order by user_id) from members
           where members.conversation_id = sent.conversation_id)
        from messages as sent
        where sent.id = message and sent.sender_id = app_user() $$;
