/** What the scripts share. `node SCRIPT BASE` writes one line for each step, the same line in every run. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

export const base = process.argv[2];
export const BLOOD_PRESSURE = "http://loinc.org|85354-9";

/** Say which package runs, in the version that is installed. */
export function introduce(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
  console.log(`${name} ${JSON.parse(readFileSync(manifest, "utf8")).version}`);
}

/** Do one thing and say what was seen. */
export async function step(what, act) {
  console.log(`${what}: ${await act()}`);
}

/** A new identifier, and the criteria that find it. */
export function mark() {
  const value = randomUUID();
  return { identifier: [{ system: "urn:oid:2.25.1", value }], criteria: `urn:oid:2.25.1|${value}` };
}

/** The error of what has to fail. */
export async function refused(act) {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error("this had to be refused");
}

/** An OperationOutcome in a line: the code and the place of its first issue. */
export function told(outcome) {
  const [issue] = outcome.issue;
  return [outcome.resourceType, issue.code, ...(issue.expression ?? [])].join(", ");
}

/** The resources of a Bundle, counted by type, as `2 Goal, 1 Patient`. */
export function counted(resources) {
  const counts = new Map();
  for (const { resourceType } of resources) counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => one.localeCompare(other)).map(([type, n]) => `${n} ${type}`).join(", ");
}

export const resourcesOf = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource);
export const idsOf = (resources) => [...resources].map((resource) => resource.id).join(" ");

/** A transaction with a Patient and a Flag that refers to it by `urn:uuid`. */
export function transaction(patient) {
  const here = `urn:uuid:${randomUUID()}`;
  const flag = { resourceType: "Flag", status: "active", code: { text: "Chutes" }, subject: { reference: here } };
  return {
    resourceType: "Bundle",
    type: "transaction",
    entry: [
      { fullUrl: here, resource: patient, request: { method: "POST", url: "Patient" } },
      { resource: flag, request: { method: "POST", url: "Flag" } },
    ],
  };
}
