import { expect, test } from 'vitest'
import { judgeAnswer } from './otlp-answer.ts'

const judge = (status: number, text = '', retryAfter?: string) =>
  judgeAnswer({ status, text, retryAfter }, 10)

test.each([
  ['taken whole', judge(200, '{"partialSuccess":{}}'), { taken: true, refused: 0 }],
  [
    'taken in part',
    judge(200, '{"partialSuccess":{"rejectedSpans":"3"}}'),
    { taken: true, refused: 3 },
  ],
  ['taken, in words nobody understands', judge(200, 'fine!'), { taken: true, refused: 0 }],
  ['never to be taken', judge(400), { taken: true, refused: 10 }],
  ['broken for good', judge(501), { taken: true, refused: 10 }],
  ['later', judge(503), { taken: false, retryAfterMs: undefined }],
  ['later, and when', judge(429, '', '2'), { taken: false, retryAfterMs: 2_000 }],
  [
    'later, at a date',
    judge(503, '', 'Sat, 21 Nov 2026'),
    { taken: false, retryAfterMs: undefined },
  ],
])('a batch is %s', (_, verdict, expected) => {
  expect(verdict).toEqual(expected)
})
