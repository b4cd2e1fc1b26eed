import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Config } from '../config.ts'

const connectMs = 1_000
const idleMs = 60_000

/** Of a request that is answered at once, or not at all. */
export type Quick = { requestTimeout: number }

/** Tries each request twice. @param partMs how long to wait for an answer, unless a request says less */
export function createS3Client(config: Config['s3'], partMs: number): S3Client {
  const { endpoint, region, accessKey, secretKey } = config
  return new S3Client({
    ...(endpoint && { endpoint, forcePathStyle: true }),
    region,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    maxAttempts: 2,
    // Media has a checksum of its own; these would be computed for each part, on the event loop.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: partMs,
      throwOnRequestTimeout: true,
      socketTimeout: idleMs,
    },
  })
}

/** Looks for the bucket first: whoever may not make one may use one. */
export async function makeBucket(client: S3Client, Bucket: string, quick: Quick): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket }), quick)
  } catch (error) {
    if (!isAbsent(error)) throw error
    await client.send(new CreateBucketCommand({ Bucket }), quick).catch((refusal: Error) => {
      // Another process was faster.
      if (!/^BucketAlready/.test(refusal.name)) throw refusal
    })
  }
}

export function isAbsent(error: unknown): boolean {
  const { name } = error as Error
  return name === 'NoSuchKey' || name === 'NotFound'
}
