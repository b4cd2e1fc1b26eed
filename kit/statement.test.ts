import { expect, it } from 'vitest'
import { summarize } from './statement.ts'

it.each([
  ['begin', 'BEGIN', undefined],
  ['select 1 from authors where id = $1', 'SELECT', 'authors'],
  ['insert into users (id) values ($1)', 'INSERT', 'users'],
  ['update only posts set version = 1', 'UPDATE', 'posts'],
  ['(select a from likes) union (select b from posts)', 'SELECT', 'likes'],
  ['with gone as (delete from posts returning id) select id from gone', 'SELECT', 'gone'],
  ['with p as (select id from posts) delete from likes using p', 'DELETE', 'likes'],
  [
    `with f as materialized (select id from authors)
     select n.id from (f cross join lateral (select id from posts) n) where exists (select from f)`,
    'SELECT',
    'posts',
  ],
])('sums up %s', (text, operation, table) => {
  expect(summarize(text)).toEqual({ operation, table })
})
