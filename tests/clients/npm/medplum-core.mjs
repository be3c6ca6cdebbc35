/** https://github.com/medplum/medplum, its client, on a server that is not Medplum's. */
import { MedplumClient, MemoryStorage, ClientStorage } from "@medplum/core";
import {
  base, BLOOD_PRESSURE, counted, idsOf, introduce, mark, refused, resourcesOf, step, told, transaction,
} from "./script.mjs";

introduce("@medplum/core");
const { origin, pathname } = new URL(base);
const client = new MedplumClient({
  baseUrl: origin,
  fhirUrlPath: pathname,
  cacheTime: 0,
  storage: new ClientStorage(new MemoryStorage()),
});
const resourceType = "Patient";
const marked = mark();
let patient;

const outcome = async (act) => told((await refused(act)).outcome);

await step("create", async () => {
  patient = await client.createResource({
    resourceType, identifier: marked.identifier, name: [{ family: "Lœuillet" }], active: true,
  });
  return `version ${patient.meta.versionId}`;
});

await step("conditional create", async () => {
  const query = `identifier=${marked.criteria}`;
  const again = await client.createResourceIfNoneExist({ resourceType, identifier: marked.identifier }, query);
  return again.id === patient.id ? "the same one" : "another one";
});

await step("read", async () => (await client.readResource(resourceType, patient.id)).name[0].family);

await step("update", async () => {
  const changed = await client.updateResource({ ...patient, gender: "female" });
  return `${changed.gender}, version ${changed.meta.versionId}`;
});

await step("update without a change", async () => {
  const now = await client.readResource(resourceType, patient.id);
  return `version ${(await client.updateResource(now)).meta.versionId}`;
});

await step("conditional update", async () => {
  const resource = { resourceType, identifier: marked.identifier, gender: "other", active: true };
  const changed = await client.upsertResource(resource, { identifier: marked.criteria });
  return `${changed.gender}, version ${changed.meta.versionId}`;
});

await step("JSON Patch", async () => {
  const operations = [{ op: "replace", path: "/active", value: false }];
  const changed = await client.patchResource(resourceType, patient.id, operations);
  return `active ${changed.active}, ${changed.gender}, version ${changed.meta.versionId}`;
});

await step("vread", async () => (await client.readVersion(resourceType, patient.id, "1")).name[0].family);

await step("history", async () => {
  const history = await client.readHistory(resourceType, patient.id);
  return history.entry.map((entry) => entry.resource.meta.versionId).join(" ");
});

await step("search with a chain", async () => {
  const query = { "patient.family": "payet", code: BLOOD_PRESSURE, _sort: "-date", _count: 2, _total: "accurate" };
  const found = await client.search("Observation", query);
  return `${idsOf(resourcesOf(found))}, total ${found.total}`;
});

await step("search with includes", async () => {
  const query = "subject=Patient/payet&_include=CarePlan:goal&_include=CarePlan:subject";
  return counted(resourcesOf(await client.search("CarePlan", query)));
});

await step("search for one", async () => (await client.searchOne(resourceType, { family: "payet" })).id);

await step("pages", async () => {
  const sizes = [];
  const seen = new Set();
  for await (const page of client.searchResourcePages("Observation", "patient=payet&_sort=-date,_id&_count=3")) {
    sizes.push(page.length);
    for (const { id } of page) seen.add(id);
  }
  return `${sizes.join(" + ")}, ${seen.size} different`;
});

await step("reference read", async () => {
  const observation = await client.readResource("Observation", "payet-tension-1");
  return (await client.readReference(observation.subject)).id;
});

await step("operation $everything", async () => {
  const bundle = await client.readPatientEverything("payet");
  return new Set(resourcesOf(bundle).map((resource) => resource.resourceType)).size > 15 ? "the dossier" : "less";
});

await step("transaction", async () => {
  const answer = await client.executeBatch(transaction({ resourceType, active: true }));
  return answer.entry.map((entry) => entry.response.status.slice(0, 3)).join(" ");
});

await step("Binary", async () => {
  const binary = await client.createBinary({ data: "Compte rendu", contentType: "text/plain" });
  return (await client.download(client.fhirUrl("Binary", binary.id))).text();
});

await step("delete", async () => {
  await client.deleteResource(resourceType, patient.id);
  return `then ${await outcome(() => client.readResource(resourceType, patient.id, { cache: "reload" }))}`;
});

await step("unknown id", () => outcome(() => client.readResource(resourceType, "nobody")));
await step("invalid resource", () => outcome(() => client.createResource({ resourceType, birthDate: "yesterday" })));
await step("invalid search value", () => outcome(() => client.search("Observation", "date=yesterday")));
