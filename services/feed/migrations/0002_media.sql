-- Pictures and films as they are shown with a post: what media said when it was written. They never
-- change, so that no reader asks media. Posts from before there was media have none.
alter table posts
  drop column media_ids,
  add column media jsonb not null default '[]';
