/** https://github.com/smart-on-fhir/client-js, as on a server of Node, without a launch: the server is an open one. */
import smart from "fhirclient";
import {
  base, BLOOD_PRESSURE, counted, idsOf, introduce, mark, refused, resourcesOf, step, told, transaction,
} from "./script.mjs";

introduce("fhirclient");
const client = smart({ headers: {}, url: "/" }, {}).client(base);
const resourceType = "Patient";
const marked = mark();
let patient;

/** The OperationOutcome is in the message of the error: this client has read the response already. */
async function outcome(act) {
  const { status, message } = await refused(act);
  return `${status}, ${told(JSON.parse(message.slice(message.indexOf("{"))))}`;
}

await step("FHIR release", async () => `${await client.getFhirVersion()}, R${await client.getFhirRelease()}`);

await step("create", async () => {
  const made = await client.create(
    { resourceType, identifier: marked.identifier, name: [{ family: "Lœuillet" }], active: true },
    { includeResponse: true },
  );
  patient = made.body;
  return `${made.response.status}, version ${patient.meta.versionId}`;
});

await step("conditional create", async () => {
  const again = await client.create(
    { resourceType, identifier: marked.identifier },
    { includeResponse: true, headers: { "If-None-Exist": `identifier=${marked.criteria}` } },
  );
  return `${again.response.status}, ${again.body.id === patient.id ? "the same one" : "another one"}`;
});

await step("read", async () => (await client.request(`Patient/${patient.id}`)).name[0].family);

await step("update", async () => {
  const changed = await client.update({ ...patient, gender: "female" });
  return `${changed.gender}, version ${changed.meta.versionId}`;
});

await step("JSON Patch", async () => {
  const changed = await client.patch(`Patient/${patient.id}`, [{ op: "replace", path: "/active", value: false }]);
  return `active ${changed.active}, ${changed.gender}, version ${changed.meta.versionId}`;
});

await step("history", async () => {
  const history = await client.request(`Patient/${patient.id}/_history`);
  return history.entry.map((entry) => entry.request.method).join(" ");
});

await step("search with a chain", async () => {
  const query = new URLSearchParams({ "patient.family": "payet", code: BLOOD_PRESSURE, _sort: "-date", _count: 2 });
  const found = await client.request(`Observation?${query}`);
  return `${idsOf(resourcesOf(found))}, total ${found.total}`;
});

await step("search with includes", async () => {
  const found = await client.request("CarePlan?subject=Patient/payet&_include=CarePlan:goal&_include=CarePlan:subject");
  return counted(resourcesOf(found));
});

await step("pages", async () => {
  const query = "Observation?patient=payet&_sort=-date,_id&_count=3";
  const sizes = [];
  for await (const page of client.pages(query)) sizes.push(page.entry.length);
  const flat = await client.request(query, { pageLimit: 0, flat: true });
  return `${sizes.join(" + ")}, ${new Set(flat.map(({ id }) => id)).size} different`;
});

await step("resources one by one", async () => {
  const seen = [];
  for await (const resource of client.resources("Task?patient=payet&_count=3", { limit: 5 })) seen.push(resource.id);
  return `${new Set(seen).size} different`;
});

await step("references resolved", async () => {
  const observation = await client.request("Observation/payet-tension-1", { resolveReferences: ["subject"] });
  return observation.subject.resourceType;
});

await step("observations by code", async () => {
  const bundle = await client.request(`Observation?patient=payet&code=${encodeURIComponent(BLOOD_PRESSURE)}`);
  return `${client.byCode(resourcesOf(bundle), "code")["85354-9"].length} of 85354-9`;
});

await step("transaction", async () => {
  const answer = await client.request({
    url: "",
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(transaction({ resourceType, active: true })),
  });
  return answer.entry.map((entry) => entry.response.status.slice(0, 3)).join(" ");
});

await step("delete", async () => {
  await client.delete(`Patient/${patient.id}`);
  return `then ${await outcome(() => client.request(`Patient/${patient.id}`))}`;
});

await step("unknown id", () => outcome(() => client.request("Patient/nobody")));
await step("invalid resource", () => outcome(() => client.create({ resourceType, birthDate: "yesterday" })));
await step("invalid search value", () => outcome(() => client.request("Observation?date=yesterday")));
