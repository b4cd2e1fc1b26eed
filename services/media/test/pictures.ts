import sharp from 'sharp'

export const place = { latitude: '52/1 30/1 123457/1000', longitude: '13/1 22/1 765433/1000' }

/** A picture no compressor makes small, with a camera, an orientation and a place in its EXIF. */
export function picture(width: number, height: number) {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  return sharp({ create: { width, height, channels: 3, background: 'gray', noise } })
}

/** As a phone writes them: lying on its side, with where it was taken in EXIF and in XMP. */
export function photo(width = 64, height = 48) {
  return picture(width, height)
    .withExif({
      IFD0: { Make: 'Pinhole', Model: 'Mark 7', Orientation: '6' },
      IFD2: { DateTimeOriginal: '2026:11:21 10:00:00' },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: place.latitude,
        GPSLongitudeRef: 'E',
        GPSLongitude: place.longitude,
        GPSMapDatum: 'WGS-Sixteen',
      },
    })
    .withMetadata({ orientation: 6 })
    .withXmp(
      `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
       <rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="52,30.1234N"/>
       </rdf:RDF></x:xmpmeta>`,
    )
}

/** Frames of plain colour: few bytes, many pixels. */
export async function animation(width: number, height: number, frames: number): Promise<Buffer> {
  const pages = Array.from({ length: frames }, (_, index) => index)
  const raw = Buffer.concat(pages.map((index) => Buffer.alloc(width * height * 3, index * 9)))
  return sharp(raw, { raw: { width, height: height * frames, channels: 3, pageHeight: height } })
    .gif({ loop: 0, delay: pages.map(() => 100) })
    .toBuffer()
}

const box = (type: string, ...content: Buffer[]) => {
  const body = Buffer.concat(content)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, body])
}

/** A GIF of a few bytes that unpacks to `frames` times a million pixels: each frame changes one. */
export function gifBomb(frames: number): Buffer {
  const head = Buffer.from('GIF89a\xe8\x03\xe8\x03\x80\0\0\0\0\0\xff\xff\xff', 'latin1')
  const frame = Buffer.from('\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0', 'latin1')
  return Buffer.concat([head, ...Array(frames).fill(frame), Buffer.from(';')])
}

/** The boxes of an MP4 with a place where phones write it, and `bytes` of film. */
export function video(bytes = 1000): Buffer {
  const udta = box('udta', box('\xa9xyz', Buffer.from('\0\x12\x15\xc7+52.5200+013.4050/')))
  return Buffer.concat([
    box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2avc1mp41')),
    box(
      'moov',
      box('mvhd', Buffer.alloc(100)),
      box('trak', box('tkhd', Buffer.alloc(84)), udta),
      udta,
    ),
    box('mdat', Buffer.alloc(bytes, 7)),
  ])
}
