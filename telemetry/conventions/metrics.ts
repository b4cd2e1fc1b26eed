/**
 * Every metric that Clew's services send by StatsD, with its tags. No ids in tags.
 * All also carry the tag `service`.
 */
export type MetricSpec = {
  type: 'counter' | 'gauge' | 'timing'
  unit: string
  brief: string
  tags: readonly string[]
}

export const metrics = {
  'auth_service.auth_events': {
    type: 'counter',
    unit: 'events',
    brief: 'registered, logged_in, login_refused, logged_out, refresh_reused',
    tags: ['event', 'provider'],
  },
  'auth_service.cache_operations': {
    type: 'counter',
    unit: 'operations',
    brief: 'get, mget, set and del on cached sessions: hit, miss, done or away',
    tags: ['operation', 'result'],
  },
  'auth_service.oauth_usage': {
    type: 'counter',
    unit: 'visits',
    brief: 'logins through a provider: started, entered, or why not',
    tags: ['provider', 'outcome'],
  },
  'auth_service.rate_limit_hits': {
    type: 'counter',
    unit: 'requests',
    brief: 'requests refused for being too many',
    tags: ['limit'],
  },
  'auth_service.request_duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long an answer took',
    tags: ['method', 'route', 'status'],
  },
  'auth_service.token_operations': {
    type: 'counter',
    unit: 'operations',
    brief: 'issue, check, refresh, revoke: ok, refused or reused',
    tags: ['operation', 'outcome'],
  },
} as const satisfies Record<string, MetricSpec>

export type MetricName = keyof typeof metrics
