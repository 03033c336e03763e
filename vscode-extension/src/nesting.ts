/** Between dotted setting names and the nested object that the server takes. */
import type { Settings } from "./protocol";

/**
 * Nests dotted names.
 *
 * @param names Names such as `diagnostics.failures`, without the `aftershock.` prefix.
 * @param read The value of a name; undefined leaves it out.
 */
export function nested(names: readonly string[], read: (name: string) => unknown): Settings {
  const settings: Settings = {};
  for (const name of names) {
    const value = read(name);
    if (value !== undefined) {
      place(settings, name.split("."), value);
    }
  }
  return settings;
}

function place(into: Settings, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) {
    return;
  }
  if (rest.length === 0) {
    into[head] = value;
    return;
  }
  const inner = (into[head] ?? {}) as Settings;
  into[head] = inner;
  place(inner, rest, value);
}
