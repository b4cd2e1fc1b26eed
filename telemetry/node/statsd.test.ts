import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { createStatsD } from './statsd.ts'

test('metrics go out in one datagram, counts summed up, tags clean', async () => {
  const receiver = createSocket('udp4').bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  vi.stubEnv('CLEW_STATSD', `127.0.0.1:${receiver.address().port}`)
  vi.stubEnv('OTEL_SERVICE_NAME', 'profile')
  const metrics = createStatsD('user_profile_service')
  metrics.count('cache.hit', { cache: 'profile' })
  metrics.count('cache.hit', { cache: 'profile' })
  metrics.count('cache.hit', { cache: 'followers' })
  metrics.count('followers.returned', {}, 7)
  metrics.timing('request.duration', 1.23456, { route: '/api/users/{id}', odd: 'a|b,c:d#e\nf' })
  const heard = once(receiver, 'message')
  await metrics[Symbol.asyncDispose]()
  const [datagram] = await heard
  expect(String(datagram).trim().split('\n')).toEqual([
    'user_profile_service.request.duration:1.235|ms|#service:profile,route:/api/users/{id},odd:a_b_c_d_e_f',
    'user_profile_service.cache.hit:2|c|#service:profile,cache:profile',
    'user_profile_service.cache.hit:1|c|#service:profile,cache:followers',
    'user_profile_service.followers.returned:7|c|#service:profile',
  ])
  receiver.close()
  vi.unstubAllEnvs()
})
