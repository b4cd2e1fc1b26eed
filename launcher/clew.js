// Runs on any Node, however old, so that an old one is told what is wrong in a sentence and not in a
// syntax error. Hence only words that Node 8 knows.
var version = process.versions.node

if (Number(version.split('.')[0]) < 20) {
  console.error(
    'Clew needs Node 20 or newer, and this is Node ' +
      version +
      ': install a newer one from https://nodejs.org, then run this again.',
  )
  process.exit(1)
}

// biome-ignore lint/security/noGlobalEval: Node 12 and older cannot read a file with this word in it.
eval("import('./bootstrap.js')").then((bootstrap) => bootstrap.run(process.argv.slice(2)))
