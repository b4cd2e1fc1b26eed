/**
 * Every attribute that a span of Clew may carry, with its type and what it holds.
 * The trace laws fail on an attribute that is not declared here, or has another type.
 * Names without a note are OpenTelemetry semantic conventions 1.45 (https://opentelemetry.io/docs/specs/semconv/).
 */
export type AttributeType = 'string' | 'int' | 'double' | 'boolean' | 'string[]'
export type AttributeSpec = { type: AttributeType; brief: string }

export const attributes = {
  // HTTP
  'http.request.method': { type: 'string', brief: 'GET, POST, ...' },
  'http.request.body.size': { type: 'int', brief: 'bytes of the request body' },
  'http.request.resend_count': {
    type: 'int',
    brief: 'which retry this is; absent on the first try',
  },
  'http.response.status_code': { type: 'int', brief: 'status of the answer' },
  'http.response.body.size': { type: 'int', brief: 'bytes of the answer' },
  'http.route': { type: 'string', brief: 'the matched route, with names in place of ids' },
  'url.full': { type: 'string', brief: 'the address called, without the query' },
  'url.template': { type: 'string', brief: 'the path called, with names in place of ids' },
  'url.path': { type: 'string', brief: 'the path asked for, without the query' },
  'url.scheme': { type: 'string', brief: 'http or https' },
  'server.address': { type: 'string', brief: 'host that was called' },
  'server.port': { type: 'int', brief: 'port that was called' },
  'network.protocol.version': { type: 'string', brief: '1.1, 2' },
  'user_agent.original': { type: 'string', brief: 'as the client sent it' },
  'error.type': { type: 'string', brief: 'status code or class of the error' },

  // Postgres and Redis
  'db.system.name': { type: 'string', brief: 'postgresql or redis' },
  'db.namespace': { type: 'string', brief: 'database name or number' },
  'db.operation.name': { type: 'string', brief: 'SELECT, INSERT, GET, ...' },
  'db.collection.name': { type: 'string', brief: 'the table' },
  'db.query.text': { type: 'string', brief: 'the statement, parameters as $1, $2' },
  'db.query.summary': { type: 'string', brief: 'operation and table' },
  'db.operation.batch.size': { type: 'int', brief: 'operations sent in one round trip, from 2' },
  'db.response.returned_rows': { type: 'int', brief: 'rows that came back' },
  'db.response.status_code': { type: 'string', brief: 'SQLSTATE or Redis error prefix' },

  // Events
  'messaging.system': { type: 'string', brief: 'redis_streams, redis_pubsub or socket.io' },
  'messaging.destination.name': { type: 'string', brief: 'the stream, the channel or the event' },
  'messaging.operation.name': { type: 'string', brief: 'publish or process' },
  'messaging.operation.type': { type: 'string', brief: 'send or process' },
  'messaging.message.id': { type: 'string', brief: 'id of the event' },
  'messaging.consumer.group.name': { type: 'string', brief: 'the consumer group' },
  'messaging.batch.message_count': {
    type: 'int',
    brief: 'events in the batch; of a live event, the sockets it went to',
  },

  // Who, and under which run. Ids only.
  'user.id': { type: 'string', brief: 'id of the person who asks' },
  'session.id': { type: 'string', brief: 'baggage: session of the phone or browser' },

  // Exceptions, on the span event named "exception"
  'exception.type': { type: 'string', brief: 'class of the error' },
  'exception.message': { type: 'string', brief: 'message of the error' },
  'exception.stacktrace': { type: 'string', brief: 'where it came from' },
  'exception.escaped': { type: 'boolean', brief: 'whether it left the span' },

  // Clew's own
  'cache.hit': { type: 'boolean', brief: 'Clew: whether the cache had the answer' },
  'clew.cache': {
    type: 'string',
    brief: 'Clew: how the gateway saw a cached page answered: hit, miss, stale',
  },
  'clew.event.type': {
    type: 'string',
    brief: 'Clew: which fact an event states, such as user.registered',
  },
  'clew.retry.count': { type: 'int', brief: 'Clew: retries made before this outcome' },
  'clew.breaker.state': { type: 'string', brief: 'Clew: circuit breaker state when not closed' },
  'clew.bulkhead.full': {
    type: 'boolean',
    brief: 'Clew: a call was not made because too many to that neighbour were under way',
  },
  'clew.gateway.upstream': { type: 'string', brief: 'Clew: service NGINX chose' },
  'clew.gateway.upstream.connect_ms': {
    type: 'double',
    brief: 'Clew: NGINX time to connect upstream',
  },
  'clew.gateway.upstream.header_ms': {
    type: 'double',
    brief: 'Clew: NGINX time to the first byte from upstream',
  },
  'clew.gateway.upstream.response_ms': {
    type: 'double',
    brief: 'Clew: NGINX time to the last byte from upstream',
  },
  'clew.limit': { type: 'string', brief: 'Clew: the rate limit that was exceeded' },
  'clew.problem.status': {
    type: 'int',
    brief: 'Clew: status of the problem that a live event was answered with',
  },
  'clew.object.bytes': { type: 'int', brief: 'Clew: bytes put into the storage, or got from it' },
  'clew.refusal': {
    type: 'string',
    brief: 'Clew: why a credential was refused; not told to clients',
  },
  'clew.run': { type: 'string', brief: 'Clew, baggage: which test run or visit made the request' },
  'clew.scenario': { type: 'string', brief: 'Clew, baggage: guided scenario' },
  'clew.storage': { type: 'string', brief: 'Clew: where objects are kept: files or s3' },
  'clew.synthetic': { type: 'string', brief: 'Clew, baggage: made by a test, k6 or the simulator' },
  'clew.fault': {
    type: 'string',
    brief: 'Clew, baggage: the fault switched on, in workshop mode only',
  },
} as const satisfies Record<string, AttributeSpec>

export type AttributeName = keyof typeof attributes
