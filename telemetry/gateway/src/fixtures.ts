import type { AccessLine } from './access-line.ts'

/** A line as NGINX writes it, with the given fields in place of the usual ones. */
export function aLine(fields: Partial<AccessLine> = {}): AccessLine {
  return {
    trace: '0123456789abcdef0123456789abcdef',
    span: '00000000000000aa',
    parent: '',
    flags: '01',
    end: '1795253595.860',
    took: '0.007',
    method: 'GET',
    route: '/api/users/{id}',
    path: '/api/users/17',
    protocol: 'HTTP/1.1',
    status: '200',
    bytes: '528',
    upstream: 'profile',
    connect: '0.000',
    header: '0.005',
    response: '0.006',
    cache: '',
    agent: 'curl/7.88.1',
    baggage: '',
    ...fields,
  }
}
