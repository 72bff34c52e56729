// Records what Firebase's own tools make of the people in firebase-people.json: the answer of accounts:batchGet as the
// emulator gives it, and the files of auth:export as firebase-tools writes them. Run once, by hand:
//   npm install firebase-tools && npx firebase --project demo-example emulators:start --only auth
//   NODE_PATH=node_modules AUTH_EMULATOR=http://127.0.0.1:9099 node record-firebase.cjs
const fs = require("fs");
const path = require("path");

const emulator = process.env.AUTH_EMULATOR;
process.env.FIREBASE_GOOGLE_URL = `${emulator}/www.googleapis.com`;
const { serialExportUsers } = require("firebase-tools/lib/accountExporter");
const { Client, setAccessToken } = require("firebase-tools/lib/apiv2");

// The service says `version: 0` of a password hashed by its own scrypt; the emulator leaves that out, and without it
// the exporter leaves out the hash.
const post = Client.prototype.post;
Client.prototype.post = async function (...given) {
  const answer = await post.apply(this, given);
  for (const user of answer.body.users ?? []) if (user.passwordHash) user.version = 0;
  return answer;
};

const project = "demo-example";
const here = (name) => path.join(__dirname, name);
const headers = { Authorization: "Bearer owner", "Content-Type": "application/json" };

async function call(method, what, body) {
  const url = `${emulator}/${what}`;
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${what} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function exported(format) {
  const writeStream = fs.createWriteStream(here(`firebase.${format}`));
  if (format === "json") writeStream.write('{"users": [\n');
  await serialExportUsers(project, { format, writeStream, batchSize: 1000 });
  writeStream.end(format === "json" ? "]}" : "");
}

(async () => {
  const accounts = `identitytoolkit.googleapis.com/v1/projects/${project}/accounts`;
  await call("DELETE", `emulator/v1/projects/${project}/accounts`);
  const people = JSON.parse(fs.readFileSync(here("firebase-people.json")));
  const scrypt = { hashAlgorithm: "SCRYPT", signerKey: "", rounds: 8, memoryCost: 14, saltSeparator: "Bw==" };
  const done = await call("POST", `${accounts}:batchCreate`, { ...people, ...scrypt });
  if (done.error?.length) throw new Error(JSON.stringify(done.error));
  const answer = await call("GET", `${accounts}:batchGet?maxResults=1000`);
  fs.writeFileSync(here("firebase-api.json"), JSON.stringify(answer, null, 1) + "\n");
  setAccessToken("owner");
  await exported("json");
  await exported("csv");
})();
