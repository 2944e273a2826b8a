// The board's API, as its pages call it.

import type { components } from "../gen/api";
import { capital } from "./say";
import { texts } from "./texts";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

/** What the board refused, or why it could not be reached. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    words: string,
    readonly problem: Partial<Problem> = {},
  ) {
    super(words);
  }
}

async function answer<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return body as T;
  const problem = body as Partial<Problem>;
  const { detail = texts.failed(response.status), hint } = problem;
  const words = typeof hint === "string" ? `${detail}. ${capital(hint)}` : detail;
  throw new Refused(response.status, problem.code ?? "FAILED", words, problem);
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
  } catch {
    throw new Refused(0, "UNREACHABLE", texts.unreachable);
  }
}

export async function get<T>(path: string): Promise<T> {
  return answer(await ask(path, { headers: { accept: "application/json" } }));
}

/** Posts under a key: a request that is repeated because its answer was lost must carry the same key. */
export async function post<T>(path: string, body: unknown, key: string = crypto.randomUUID()): Promise<T> {
  const headers = { "content-type": "application/json", "idempotency-key": key };
  return answer(await ask(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

export async function remove<T>(path: string): Promise<T> {
  return answer(await ask(path, { method: "DELETE" }));
}
