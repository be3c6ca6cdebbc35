/** https://github.com/Vermonster/fhir-kit-client */
import { Client } from "fhir-kit-client";
import {
  base, BLOOD_PRESSURE, counted, idsOf, introduce, mark, refused, resourcesOf, step, told, transaction,
} from "./script.mjs";

introduce("fhir-kit-client");
const client = new Client({ baseUrl: base });
const resourceType = "Patient";
const marked = mark();
let patient;

await step("CapabilityStatement", async () => (await client.capabilityStatement()).fhirVersion);

await step("create", async () => {
  patient = await client.create({
    resourceType, body: { resourceType, identifier: marked.identifier, name: [{ family: "Lœuillet" }], active: true },
  });
  const { response } = Client.httpFor(patient);
  return `${response.status}, version ${patient.meta.versionId}`;
});

await step("conditional create", async () => {
  const again = await client.create({
    resourceType,
    body: { resourceType, identifier: marked.identifier },
    options: { headers: { "If-None-Exist": `identifier=${marked.criteria}` } },
  });
  return `${Client.httpFor(again).response.status}, ${again.id === patient.id ? "the same one" : "another one"}`;
});

await step("read", async () => (await client.read({ resourceType, id: patient.id })).name[0].family);

await step("update", async () => {
  const changed = await client.update({ resourceType, id: patient.id, body: { ...patient, gender: "female" } });
  return `${changed.gender}, version ${changed.meta.versionId}`;
});

await step("conditional update", async () => {
  const changed = await client.update({
    resourceType,
    searchParams: { identifier: marked.criteria },
    body: { resourceType, identifier: marked.identifier, gender: "other", active: true },
  });
  return `${changed.gender}, version ${changed.meta.versionId}`;
});

await step("JSON Patch", async () => {
  const jsonPatch = [{ op: "replace", path: "/active", value: false }];
  const changed = await client.patch({ resourceType, id: patient.id, jsonPatch });
  return `active ${changed.active}, ${changed.gender}, version ${changed.meta.versionId}`;
});

await step("vread", async () => {
  return (await client.vread({ resourceType, id: patient.id, version: "1" })).name[0].family;
});

await step("history", async () => {
  const history = await client.resourceHistory({ resourceType, id: patient.id });
  return history.entry.map((entry) => entry.request.method).join(" ");
});

await step("search with a chain", async () => {
  const searchParams = { "patient:Patient.family": "payet", code: BLOOD_PRESSURE, _sort: "-date", _count: 2 };
  const found = await client.search({ resourceType: "Observation", searchParams });
  return `${idsOf(resourcesOf(found))}, total ${found.total}`;
});

await step("search with includes", async () => {
  const searchParams = { subject: "Patient/payet", _include: ["CarePlan:goal", "CarePlan:subject"] };
  return counted(resourcesOf(await client.search({ resourceType: "CarePlan", searchParams })));
});

await step("search by POST", async () => {
  const searchParams = { patient: "payet", _count: 0 };
  const options = { postSearch: true };
  return `total ${(await client.search({ resourceType: "Observation", searchParams, options })).total}`;
});

await step("search in a compartment", async () => {
  const compartment = { resourceType, id: "payet" };
  return counted(resourcesOf(await client.search({ resourceType: "Goal", compartment })));
});

await step("pages", async () => {
  const searchParams = { patient: "payet", _sort: "-date,_id", _count: 3 };
  const sizes = [];
  const seen = new Set();
  let page = await client.search({ resourceType: "Observation", searchParams });
  for (; page; page = await client.nextPage({ bundle: page })) {
    sizes.push(page.entry.length);
    for (const { id } of resourcesOf(page)) seen.add(id);
  }
  return `${sizes.join(" + ")}, ${seen.size} different`;
});

await step("page before", async () => {
  const searchParams = { patient: "payet", _sort: "-date,_id", _count: 3 };
  const first = await client.search({ resourceType: "Observation", searchParams });
  const second = await client.nextPage({ bundle: first });
  const back = await client.prevPage({ bundle: second });
  return idsOf(resourcesOf(back)) === idsOf(resourcesOf(first)) ? "the first again" : "another one";
});

await step("resolve a reference", async () => {
  const observation = await client.read({ resourceType: "Observation", id: "payet-tension-1" });
  return (await client.resolve({ reference: observation.subject.reference })).id;
});

await step("operation $everything", async () => {
  const bundle = await client.operation({ name: "$everything", resourceType, id: "payet", method: "GET" });
  return new Set(resourcesOf(bundle).map((resource) => resource.resourceType)).size > 15 ? "the dossier" : "less";
});

await step("transaction", async () => {
  const answer = await client.transaction({ body: transaction({ resourceType, active: true }) });
  return answer.entry.map((entry) => entry.response.status.slice(0, 3)).join(" ");
});

await step("delete", async () => {
  await client.delete({ resourceType, id: patient.id });
  const { response } = await refused(() => client.read({ resourceType, id: patient.id }));
  return `then ${response.status}, ${told(response.data)}`;
});

await step("unknown id", async () => {
  const { response } = await refused(() => client.read({ resourceType, id: "nobody" }));
  return `${response.status}, ${told(response.data)}`;
});

await step("invalid resource", async () => {
  const body = { resourceType, birthDate: "yesterday" };
  const { response } = await refused(() => client.create({ resourceType, body }));
  return `${response.status}, ${told(response.data)}`;
});

await step("invalid search value", async () => {
  const searchParams = { date: "yesterday" };
  const { response } = await refused(() => client.search({ resourceType: "Observation", searchParams }));
  return `${response.status}, ${told(response.data)}`;
});
