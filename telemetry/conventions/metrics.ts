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
  'feed_service.cache.hit': {
    type: 'counter',
    unit: 'reads',
    brief: 'reads the cache could answer; for posts and counts, one for each post',
    tags: ['cache'],
  },
  'feed_service.cache.miss': {
    type: 'counter',
    unit: 'reads',
    brief: 'reads that went on to Postgres, or to profile',
    tags: ['cache'],
  },
  'feed_service.fanout.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long it took to bring a post to the timelines of all followers',
    tags: [],
  },
  'feed_service.fanout.pushed': {
    type: 'counter',
    unit: 'people',
    brief: 'followers whose timelines were offered a post',
    tags: [],
  },
  'feed_service.interactions': {
    type: 'counter',
    unit: 'interactions',
    brief: 'like, unlike, comment, share',
    tags: ['kind'],
  },
  'feed_service.posts.created': {
    type: 'counter',
    unit: 'posts',
    brief: 'posts written, shares included',
    tags: [],
  },
  'feed_service.request.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long an answer took',
    tags: ['method', 'route', 'status'],
  },
  'feed_service.timeline.size': {
    type: 'counter',
    unit: 'posts',
    brief: 'posts on the pages of timelines',
    tags: [],
  },
  'feed_service.token.refused': {
    type: 'counter',
    unit: 'requests',
    brief: 'requests refused for their token',
    tags: [],
  },
  'media_service.media.bytes': {
    type: 'counter',
    unit: 'bytes',
    brief: 'bytes of what was uploaded',
    tags: ['type'],
  },
  'media_service.media.deleted': {
    type: 'counter',
    unit: 'media',
    brief: 'media deleted by their owners',
    tags: [],
  },
  'media_service.media.duplicates': {
    type: 'counter',
    unit: 'uploads',
    brief: 'uploads of what the same person had uploaded before',
    tags: [],
  },
  'media_service.media.refused': {
    type: 'counter',
    unit: 'uploads',
    brief: 'uploads that were not taken, by the status they got',
    tags: ['status'],
  },
  'media_service.media.served': {
    type: 'counter',
    unit: 'answers',
    brief:
      'answers with bytes: whole, part, or unchanged (304); what NGINX has kept is not asked for here',
    tags: ['variant', 'kind'],
  },
  'media_service.media.uploaded': {
    type: 'counter',
    unit: 'uploads',
    brief: 'uploads taken, by type of content',
    tags: ['type'],
  },
  'media_service.request.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long an answer took; of an upload, with the time its bytes took to come',
    tags: ['method', 'route', 'status'],
  },
  'media_service.token.refused': {
    type: 'counter',
    unit: 'requests',
    brief: 'requests refused for their token',
    tags: [],
  },
  'media_service.variants': {
    type: 'counter',
    unit: 'images',
    brief: 'images whose variants were made, or cannot be: ready, failed',
    tags: ['outcome'],
  },
  'media_service.variants.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long it took to make all variants of an image',
    tags: [],
  },
  'messaging_service.connects': {
    type: 'counter',
    unit: 'connections',
    brief: 'sockets that came: joined, or the status they were refused with',
    tags: ['outcome'],
  },
  'messaging_service.delivery.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long after a message was made it was sent to the sockets of an instance',
    tags: [],
  },
  'messaging_service.disconnects': {
    type: 'counter',
    unit: 'connections',
    brief:
      'sockets that went: expired, revoked, too_slow, behind, stopping, or what Socket.IO says',
    tags: ['reason'],
  },
  'messaging_service.event.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long what came over a socket took; status as HTTP would have it',
    tags: ['event', 'status'],
  },
  'messaging_service.groups.made': {
    type: 'counter',
    unit: 'groups',
    brief: 'conversations of more than two people begun',
    tags: [],
  },
  'messaging_service.messages.delivered': {
    type: 'counter',
    unit: 'messages',
    brief:
      'messages sent to sockets, one for each: live, net (the live channel had lost it) or sync (asked for)',
    tags: ['how'],
  },
  'messaging_service.messages.repeated': {
    type: 'counter',
    unit: 'messages',
    brief: 'messages that were sent again and had been stored before',
    tags: [],
  },
  'messaging_service.messages.sent': {
    type: 'counter',
    unit: 'messages',
    brief: 'messages stored',
    tags: [],
  },
  'messaging_service.rate_limit_hits': {
    type: 'counter',
    unit: 'messages',
    brief: 'messages, and news of typing, refused for being too many',
    tags: ['limit'],
  },
  'messaging_service.request.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long an answer took',
    tags: ['method', 'route', 'status'],
  },
  'messaging_service.token.refused': {
    type: 'counter',
    unit: 'requests',
    brief: 'requests and connections refused for their token',
    tags: [],
  },
  'telemetry.spans': {
    type: 'counter',
    unit: 'spans',
    brief: 'spans of a process: ended, exported or dropped',
    tags: ['outcome'],
  },
  'user_profile_service.cache.hit': {
    type: 'counter',
    unit: 'reads',
    brief: 'reads the cache could answer',
    tags: ['cache'],
  },
  'user_profile_service.cache.miss': {
    type: 'counter',
    unit: 'reads',
    brief: 'reads that went on to Postgres',
    tags: ['cache'],
  },
  'user_profile_service.followers.returned': {
    type: 'counter',
    unit: 'people',
    brief: 'people on the pages of followers read from Postgres',
    tags: [],
  },
  'user_profile_service.following.returned': {
    type: 'counter',
    unit: 'people',
    brief: 'people on the pages of followed read from Postgres',
    tags: [],
  },
  'user_profile_service.profile.created': {
    type: 'counter',
    unit: 'profiles',
    brief: 'profiles made, by auth calling or by its event',
    tags: ['by'],
  },
  'user_profile_service.profile.updated': {
    type: 'counter',
    unit: 'profiles',
    brief: 'profiles changed by their owner',
    tags: [],
  },
  'user_profile_service.relationship.created': {
    type: 'counter',
    unit: 'follows',
    brief: 'follows begun',
    tags: [],
  },
  'user_profile_service.relationship.deleted': {
    type: 'counter',
    unit: 'follows',
    brief: 'follows ended',
    tags: [],
  },
  'user_profile_service.request.duration': {
    type: 'timing',
    unit: 'ms',
    brief: 'how long an answer took',
    tags: ['method', 'route', 'status'],
  },
  'user_profile_service.search.results': {
    type: 'counter',
    unit: 'people',
    brief: 'people found and returned',
    tags: [],
  },
  'user_profile_service.token.refused': {
    type: 'counter',
    unit: 'requests',
    brief: 'requests refused for their token',
    tags: [],
  },
} as const satisfies Record<string, MetricSpec>

export type MetricName = keyof typeof metrics
