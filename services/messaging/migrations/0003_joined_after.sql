-- The last message that was said before somebody was brought in; null for who was there from the
-- first. What is up to it is history to them: they may read it, and did not miss it.
alter table members add column joined_after uuid;
