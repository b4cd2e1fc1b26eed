// The most used passwords of eight characters and more, from published breach counts. Lowercase.
const common = new Set(
  `password password1 password12 password123 passw0rd p@ssw0rd p@ssword 12345678 123456789 1234567890
  0123456789 87654321 987654321 11223344 123123123 147258369 qwerty12 qwerty123 qwertyui qwertyuiop
  1q2w3e4r 1q2w3e4r5t q1w2e3r4 1qaz2wsx zaq12wsx qazwsxedc asdfghjk asdfghjkl zxcvbnm1 abcd1234
  abc12345 a1b2c3d4 iloveyou iloveyou1 sunshine sunshine1 princess princess1 football football1
  baseball baseball1 superman starwars computer internet whatever trustno1 letmein1 welcome1
  welcome123 changeme admin123 administrator master123 michelle jennifer liverpool`.split(/\s+/),
)

export function isCommon(password: string): boolean {
  return common.has(password.toLowerCase())
}
