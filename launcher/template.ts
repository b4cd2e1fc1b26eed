/**
 * Fills `${NAME}` placeholders, as envsubst does when it is given the list of names: a name that is
 * not in `values` stays as it is, since NGINX writes its own variables the same way.
 */
export function fillTemplate(template: string, values: Record<string, string>): string {
  return template.replace(
    /\$\{([A-Z][A-Z0-9_]*)\}/g,
    (whole, name: string) => values[name] ?? whole,
  )
}
