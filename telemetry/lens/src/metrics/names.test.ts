import { expect, test } from 'vitest'
import { labelName, metricName } from './names.ts'

test.each([
  ['auth_service.auth_events', true, 'auth_service_auth_events_total'],
  ['feed_service.request.duration', false, 'feed_service_request_duration'],
  ['jobs.total', true, 'jobs_total'],
  ['total.jobs', true, 'jobs_total'],
  ['a..b--c__d.', false, 'a_b_c_d'],
  ['2xx', true, '_2xx_total'],
  ['rule:sum', false, 'rule:sum'],
  ['größe', false, 'gr_e'],
])('%s, counter %s, is %s', (statsd, isCounter, name) => {
  expect(metricName(statsd, isCounter)).toBe(name)
})

test.each([
  ['status', 'status'],
  ['http.route', 'http_route'],
  ['1st', 'key_1st'],
  ['__name__', 'key__name__'],
])('the tag %s is the label %s', (tag, label) => {
  expect(labelName(tag)).toBe(label)
})
