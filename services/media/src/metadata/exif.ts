// Tags of TIFF and EXIF that lead to more tags, or say where a picture was taken.
const exifTags = 0x8769
const gpsTags = 0x8825
// A camera maker's own format: some write places into it, so nobody can say what is safe to keep.
const makerNote = 0x927c
// XMP, IPTC and Photoshop's: places once more, and the names of cities.
const removed = new Set([makerNote, 0x02bc, 0x83bb, 0x8649])
// Where in the data a small JPEG is, and how long. It may have metadata of its own.
const thumbnailAt = 0x0201
const thumbnailBytes = 0x0202
const entryBytes = 12
const valueBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]
const tablesAtMost = 8
// A camera writes some hundred. Each may blank as much as there is.
const entriesAtMost = 1_000

/** In bytes. What a JPEG can hold; what is longer is removed as a whole. */
export const exifAtMost = 64 * 1024

type Tiff = {
  data: Buffer
  u16: (at: number) => number
  u32: (at: number) => number
  entries: number
}

/**
 * Removes location from EXIF, in place and without changing its length; orientation, time and camera
 * stay. The thumbnail goes: decoders make their own.
 * @param exif with or without the leading `Exif\0\0`
 * @returns false when it cannot be read, so that nobody knows what is in it
 */
export function blankLocation(exif: Buffer): boolean {
  const data = exif.subarray(0, 6).equals(prefix) ? exif.subarray(6) : exif
  const tiff = openTiff(data)
  if (!tiff) return false
  try {
    const first = tiff.u32(4)
    let table = cleanTable(tiff, first, 0)
    // The tables behind the picture's own are those of its thumbnail.
    fill(data, nextAt(tiff, first), 4)
    for (let seen = 0; table !== 0; seen++) {
      if (seen === tablesAtMost) return false
      table = removeThumbnail(tiff, table)
    }
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

const prefix = Buffer.from('Exif\0\0', 'latin1')

function openTiff(data: Buffer): Tiff | undefined {
  const order = data.toString('latin1', 0, 2)
  if (order === 'II') {
    const u16 = (at: number) => data.readUInt16LE(at)
    return { data, u16, u32: (at) => data.readUInt32LE(at), entries: 0 }
  }
  if (order === 'MM') {
    const u16 = (at: number) => data.readUInt16BE(at)
    return { data, u16, u32: (at) => data.readUInt32BE(at), entries: 0 }
  }
  return undefined
}

/** @returns where the next table is, 0 for none */
function cleanTable(tiff: Tiff, table: number, depth: number): number {
  const { u16, u32 } = tiff
  for (let index = 0; index < u16(table); ) {
    const entry = table + 2 + index * entryBytes
    countEntry(tiff)
    const tag = u16(entry)
    if (tag === gpsTags) {
      blankTable(tiff, u32(entry + 8))
      removeEntry(tiff, table, index)
    } else if (removed.has(tag)) {
      blankValue(tiff, entry)
      removeEntry(tiff, table, index)
    } else {
      if (tag === exifTags && depth === 0) cleanTable(tiff, u32(entry + 8), depth + 1)
      index++
    }
  }
  return u32(nextAt(tiff, table))
}

/** Where a table says where the next one is. */
function nextAt({ u16 }: Tiff, table: number): number {
  return table + 2 + u16(table) * entryBytes
}

function removeThumbnail(tiff: Tiff, table: number): number {
  const { data, u16, u32 } = tiff
  const next = cleanTable(tiff, table, 0)
  const end = nextAt(tiff, table)
  const values = new Map<number, number>()
  for (let entry = table + 2; entry < end; entry += entryBytes) {
    values.set(u16(entry), u32(entry + 8))
  }
  // Programs that edit a picture may cut its thumbnail off.
  const at = values.get(thumbnailAt) ?? data.length
  data.fill(0, Math.min(at, data.length), at + (values.get(thumbnailBytes) ?? 0))
  fill(data, table, end + 4 - table)
  return next
}

function countEntry(tiff: Tiff): void {
  if (++tiff.entries > entriesAtMost) throw new RangeError('too many entries')
}

function blankTable(tiff: Tiff, table: number): void {
  const end = table + 2 + tiff.u16(table) * entryBytes
  for (let entry = table + 2; entry < end; entry += entryBytes) {
    countEntry(tiff)
    blankValue(tiff, entry)
  }
  fill(tiff.data, table, end - table)
}

/** Values of up to four bytes are in the entry itself. */
function blankValue({ data, u16, u32 }: Tiff, entry: number): void {
  const bytes = (valueBytes[u16(entry + 2)] ?? 8) * u32(entry + 4)
  if (bytes > 4) fill(data, u32(entry + 8), bytes)
  fill(data, entry + 4, 8)
}

/** What follows moves up: the entries, and where the next table is. */
function removeEntry({ data, u16 }: Tiff, table: number, index: number): void {
  const count = u16(table)
  const entry = table + 2 + index * entryBytes
  const end = table + 2 + count * entryBytes + 4
  if (end > data.length) throw new RangeError('the table is cut off')
  data.copyWithin(entry, entry + entryBytes, end)
  fill(data, end - entryBytes, entryBytes)
  const little = data[0] === 0x49
  if (little) data.writeUInt16LE(count - 1, table)
  else data.writeUInt16BE(count - 1, table)
}

function fill(data: Buffer, from: number, bytes: number): void {
  if (from + bytes > data.length) throw new RangeError('a value lies outside')
  data.fill(0, from, from + bytes)
}
