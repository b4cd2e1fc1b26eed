import { Refusal } from './refusal.ts'
import { bench } from './verbs/bench.ts'
import { check } from './verbs/check.ts'
import { populate } from './verbs/populate.ts'
import { reset } from './verbs/reset.ts'
import { dev, start } from './verbs/start.ts'
import { status } from './verbs/status.ts'
import { stop } from './verbs/stop.ts'
import { test } from './verbs/test.ts'
import { trace } from './verbs/trace.ts'

/** What a person can ask for; each answers with the exit code. */
const verbs: Record<string, (args: string[]) => Promise<number>> = {
  start,
  dev,
  test,
  check,
  trace,
  populate,
  status,
  stop,
  reset,
  bench,
}

const help = `Clew: a small social network built to be traced.

  npm start                 brings everything up, makes one request, draws its trace
  npm run dev               the same; services start again when their source changes
  npm test                  every test, against a private platform; npm test -- --project unit for some
  npm run check             types, lint, format
  npm run trace -- last     draws the newest trace, or the one with a given id; --full folds nothing
  npm run populate          invents people who follow, post, like and comment, beside those there are:
                            --people N (1000) --posts M (20 each) --shape powerlaw|reed98 --seed TEXT (1)
  npm run status            what runs
  npm run stop              stops it
  npm run reset             deletes data, keys and logs; asks first, or --yes
  npm run bench             measurements

  --state FOLDER            where data, logs, keys and pids are (.clew)
  --port-offset N           moves every port by N (0)
  --only NAME,NAME          starts only these parts, and what they need

  Options go after two dashes: npm start -- --port-offset 100
`

/** @throws Refusal when there is no such verb, and whatever the verb throws */
export async function runVerb([name = 'start', ...args]: string[]): Promise<number> {
  const asksForHelp = ['help', '--help', '-h'].includes(name) || args.includes('--help')
  // Vitest has a help page of its own.
  if (asksForHelp && name !== 'test') {
    process.stdout.write(help)
    return 0
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (verb) return verb(args)
  throw new Refusal(`There is no ${name}: it is one of ${Object.keys(verbs).join(', ')}.`)
}
