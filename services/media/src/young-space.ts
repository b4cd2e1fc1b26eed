import { setFlagsFromString } from 'node:v8'

// The pieces of uploads die young. Where the space for the young may grow, it is cleared seldom, and
// tens of megabytes of them wait for that. Kept small, uploads need a few, and are no slower.
setFlagsFromString('--semi-space-growth-factor=1')
