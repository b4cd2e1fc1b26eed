export const boundary = 'clew-0123456789'
export const formType = { 'content-type': `multipart/form-data; boundary=${boundary}` }

/** Parts of a form: `[headers, content]`. */
export function form(...parts: [string, Buffer | string][]): Buffer {
  const written = parts.flatMap(([headers, content]) => [
    Buffer.from(`--${boundary}\r\n${headers}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...written, Buffer.from(`--${boundary}--\r\n`)])
}

export function filePart(content: Buffer, name = 'cat.jpg'): [string, Buffer] {
  return [`content-disposition: form-data; name="file"; filename="${name}"`, content]
}

export function field(name: string, value: string): [string, string] {
  return [`content-disposition: form-data; name="${name}"`, value]
}
