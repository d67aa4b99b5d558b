// Replaces packages below node_modules that are later releases of the source's own packages by links to the source: a
// test tool that needs the package brings them, and they may have the fix. Arguments: name, version and folder of each.
const fs = require('fs')
const path = require('path')

function numberOf (version) {
  const found = /^v?(\d+)\.(\d+)\.(\d+)(-[^+]*)?/.exec(version)
  return found && { parts: found.slice(1, 4).map(Number), label: found[4] || '' }
}

// Versions that cannot be compared may be later; of the same number, all others are when the source's is a prerelease.
function isLater (version, own) {
  const found = numberOf(version)
  const known = numberOf(own)
  if (!found || !known) return true
  const at = [0, 1, 2].find((part) => found.parts[part] !== known.parts[part])
  if (at !== undefined) return found.parts[at] > known.parts[at]
  return known.label !== '' && found.label !== known.label
}

function versionOf (folder) {
  try {
    return String(JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version)
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    if (error instanceof SyntaxError) return ''
    throw error
  }
}

// Folders named node_modules, at any depth; links are not followed.
function packageFolders (folder) {
  const inside = fs.readdirSync(folder).map((name) => path.join(folder, name))
  const folders = inside.filter((each) => fs.lstatSync(each).isDirectory())
  const below = folders.map(packageFolders).reduce((all, one) => all.concat(one), [])
  return path.basename(folder) === 'node_modules' ? [folder].concat(below) : below
}

const own = process.argv.slice(2)
const places = fs.existsSync('node_modules') ? packageFolders('node_modules') : []
while (own.length) {
  const [name, version, source] = own.splice(0, 3)
  for (const copy of places.map((place) => path.join(place, name))) {
    const found = versionOf(copy)
    if (found === null || fs.lstatSync(copy).isSymbolicLink() || !isLater(found, version)) continue
    // Not by rmSync, which Node 6 to 14.13 lack.
    require('child_process').execFileSync('rm', ['-rf', copy])
    fs.symlinkSync(source, copy)
    console.log(`${copy}: release ${found} of the source's own package replaced by a link to ${source}`)
  }
}
