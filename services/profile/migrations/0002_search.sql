-- Trigrams are the three-letter pieces of a word. Names that share many are alike, typing errors
-- or not, and an index of trigrams finds them without reading every row.
create extension if not exists pg_trgm;

create index profiles_by_trigram on profiles
  using gin (username gin_trgm_ops, display_name gin_trgm_ops);

-- People with a word in a name that is like `sought`. The limit of 0.3 (the default is 0.6) lets
-- two swapped letters pass; it is set here since the `%>` operator takes it from a setting.
create function people_like(sought text)
returns table (person uuid, likeness real)
language sql stable rows 100
set pg_trgm.word_similarity_threshold = 0.3
as $$
  select id, greatest(word_similarity(sought, username), word_similarity(sought, display_name))
  from profiles
  where username %> sought or display_name %> sought
$$;
