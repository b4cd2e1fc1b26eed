import type { TraceSpan } from '../trace.ts'
import { attributesDeclared, noIdInName } from './content.ts'
import type { Law, Run } from './law.ts'
import { nothingPrivate } from './privacy.ts'
import {
  consumerHasProducer,
  liveHasPhone,
  noEarlyChild,
  noMissingParent,
  oneRoot,
  serverHasCaller,
} from './shape.ts'
import { errorExplained, exceptionOnce, serverStatus } from './status.ts'

/** What holds for every trace of Clew in `lean` mode, by name. */
export const laws = {
  oneRoot,
  noMissingParent,
  noEarlyChild,
  serverHasCaller,
  liveHasPhone,
  consumerHasProducer,
  errorExplained,
  serverStatus,
  exceptionOnce,
  noIdInName,
  attributesDeclared,
  nothingPrivate,
} satisfies Record<string, Law>

export type LawName = keyof typeof laws
export type Breach = { law: LawName; traceId: string; sentence: string }

/** Applies every law to one trace. */
export function checkTrace(trace: TraceSpan[], run: Run): Breach[] {
  return (Object.keys(laws) as LawName[]).flatMap((law) =>
    laws[law](trace, run).map((sentence) => ({ law, traceId: trace[0]?.traceId ?? '', sentence })),
  )
}
