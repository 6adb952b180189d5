// SPDX-License-Identifier: Apache-2.0
// Gets a token with a credential of @azure/identity: the request is JSON on standard input, each answer a line of
// JSON on standard output ({"prompt": …} while a person is waited for, then {"token": …} or {"error": …}).
const identity = require("@azure/identity");

const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const makers = {
  default: () => new identity.DefaultAzureCredential(),
  secret: (r) => new identity.ClientSecretCredential(r.tenant, r.client, r.secret, r.options),
  certificate: (r) => new identity.ClientCertificateCredential(r.tenant, r.client, { certificate: r.certificate }, r.options),
  assertion: (r) => new identity.ClientAssertionCredential(r.tenant, r.client, async () => r.assertion, r.options),
  workload: (r) =>
    new identity.WorkloadIdentityCredential({ tenantId: r.tenant, clientId: r.client, tokenFilePath: r.file, ...r.options }),
  device: (r) =>
    new identity.DeviceCodeCredential({ tenantId: r.tenant, userPromptCallback: (prompt) => say({ prompt }), ...r.options }),
  managed: () => new identity.ManagedIdentityCredential(),
  behalf: (r) =>
    new identity.OnBehalfOfCredential({
      tenantId: r.tenant, clientId: r.client, userAssertionToken: r.assertion, ...r.proof, ...r.options,
    }),
};

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const request = JSON.parse(Buffer.concat(chunks).toString());
  const credential = makers[request.kind](request);
  for (const scope of request.scopes) say({ token: (await credential.getToken(scope)).token });
}

main().catch((error) => {
  say({ error: String(error.message) });
  process.exitCode = 1;
});
