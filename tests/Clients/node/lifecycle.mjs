// A server's life through the API, by a client in Node: create, watch to READY, delete, watch to REMOVED.
// Then what goes wrong, by code and by the reasons that ride along with it.
// Reads MONOLITH_ENDPOINT and MONOLITH_TOKEN; makes what a server needs when it is not there. A line for each step, and a
// line `ok …` for each thing that was to be seen and was.
import { createHash, randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const protos = process.env.MONOLITH_PROTOS
  ?? join(dirname(fileURLToPath(import.meta.url)), '../../../artifacts/protos/all');
const endpoint = process.env.MONOLITH_ENDPOINT ?? '127.0.0.1:5080';
const token = process.env.MONOLITH_TOKEN ?? '';
const project = process.env.MONOLITH_CLIENT_PROJECT ?? 'clients';
const patience = Number(process.env.MONOLITH_CLIENT_TIMEOUT_SECONDS ?? 180) * 1000;
const began = process.hrtime.bigint();

function step(text) {
  console.log(`node ${(Number(process.hrtime.bigint() - began) / 1e9).toFixed(3)}s ${text}`);
}

/** Counted by tests/Clients/check. */
function saw(text) {
  console.log(`ok    Node: ${text}`);
}

const definition = loader.loadSync(
  ['identity/v1/project', 'image/v1/image', 'compute/v1/server', 'compute/v1/flavor', 'network/v1/network',
    'network/v1/address_pool'].map((file) => `monolith/${file}.proto`)
    .concat('google/rpc/status.proto', 'google/rpc/error_details.proto'),
  { includeDirs: [protos], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true });
const { monolith: api, google } = grpc.loadPackageDefinition(definition);

const credentials = grpc.credentials.createInsecure();
const address = endpoint.replace(/^https?:\/\//, '');
const metadata = () => {
  const headers = new grpc.Metadata();
  headers.set('authorization', `Bearer ${token}`);
  return headers;
};

/** A client whose unary methods answer with a promise. */
function client(Service) {
  const raw = new Service(address, credentials);
  return {
    raw,
    call: (method, request) => new Promise((resolve, reject) => {
      raw[method](request, metadata(), { deadline: Date.now() + 30_000 },
        (error, answer) => (error ? reject(error) : resolve(answer)));
    }),
  };
}

const projects = client(api.identity.v1.ProjectService);
const images = client(api.image.v1.ImageService);
const servers = client(api.compute.v1.ServerService);
const flavors = client(api.compute.v1.FlavorService);
const networks = client(api.network.v1.NetworkService);
const pools = client(api.network.v1.AddressPoolService);
const parent = `projects/${project}`;

async function ensure(what, make) {
  try {
    await make();
    step(`${what} made`);
  } catch (error) {
    if (error.code !== grpc.status.ALREADY_EXISTS) throw error;
    step(`${what} is there`);
  }
}

function upload(imageId) {
  // One MiB of nothing is a raw image; an emulated hypervisor starts it, a real one is given MONOLITH_CLIENT_IMAGE.
  const content = Buffer.alloc(1 << 20);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return new Promise((resolve, reject) => {
    const call = images.raw.UploadImage(metadata(), { deadline: Date.now() + 60_000 },
      (error, answer) => (error ? reject(error) : resolve(answer)));
    call.on('error', () => {}); // The callback has it.
    call.write({ header: {
      parent, image_id: imageId, image: {}, sha256, size_bytes: content.length, request_id: randomUUID(),
    } });
    const size = 256 << 10;
    for (let at = 0; at < content.length; at += size) call.write({ chunk: content.subarray(at, at + size) });
    call.end();
  });
}

async function prerequisites() {
  await ensure(`project ${project}`, () => projects.call('CreateProject',
    { project_id: project, project: {}, request_id: randomUUID() }));
  await ensure('flavor client-small', () => flavors.call('CreateFlavor',
    { flavor_id: 'client-small', flavor: { vcpus: 1, memory_mib: 128, disk_gib: 1 }, request_id: randomUUID() }));

  const found = await pools.call('ListAddressPools', { page_size: 100 });
  let pool = found.address_pools.find((one) => one.purpose !== 'PURPOSE_LOAD_BALANCER')?.name;
  if (!pool) {
    await ensure('pool clients', () => pools.call('CreateAddressPool', {
      address_pool_id: 'clients', address_pool: { purpose: 'PURPOSE_SERVER', prefixes: ['10.65.0.0/24'] },
      request_id: randomUUID(),
    }));
    pool = 'addressPools/clients';
  }
  await ensure('network default', () => networks.call('CreateNetwork',
    { parent, network_id: 'default', network: { address_pools: [pool] }, request_id: randomUUID() }));

  if (process.env.MONOLITH_CLIENT_IMAGE) return process.env.MONOLITH_CLIENT_IMAGE;
  const own = await images.call('ListImages', { parent, page_size: 100 });
  const image = own.images.find((one) => one.visibility === 'VISIBILITY_PUBLIC') ?? own.images[0];
  if (image) return image.name;
  await ensure('image blank', () => upload('blank'));
  return `${parent}/images/blank`;
}

/** Reads the server's watch until `done` says so; the promise is of what it returned. */
function watch(name, done) {
  const call = servers.raw.WatchServers({ parent, name }, metadata(), { deadline: Date.now() + patience });
  return new Promise((resolve, reject) => {
    let state = '';
    let over = false;
    const finish = (settle, value) => {
      if (over) return;
      over = true;
      call.cancel();
      settle(value);
    };
    call.on('data', (message) => {
      if (message.server && message.server.state !== state) {
        state = message.server.state;
        step(`${message.change} ${name} ${state}`);
      }
      try {
        const result = done(message);
        if (result) finish(resolve, result);
      } catch (error) {
        finish(reject, error);
      }
    });
    call.on('error', (error) => finish(reject, error));
    call.on('end', () => finish(reject, new Error('the watch ended before its time')));
  });
}

function causes(server) {
  return server.conditions.filter((one) => one.status !== 'STATUS_TRUE' && (one.reason || one.message))
    .map((one) => `${one.type}: ${one.reason} ${one.message}`).join('; ');
}

async function main() {
  const image = await prerequisites();
  const id = `node-${Date.now().toString(36)}`;
  const request = {
    parent, server_id: id, server: { flavor: 'flavors/client-small', image }, request_id: randomUUID(),
  };
  const made = await servers.call('CreateServer', request);
  step(`created ${made.name} ${made.state}`);
  const again = await servers.call('CreateServer', request);
  if (again.uid !== made.uid) throw new Error('the same request_id made another server');
  saw('a repeated request_id makes no second server');

  const ready = await watch(made.name, ({ server, change }) => {
    if (change === 'CHANGE_TYPE_REMOVED') throw new Error('the server is gone before it was READY');
    if (server?.state === 'STATE_FAILED') throw new Error(`the server failed: ${causes(server)}`);
    return server?.state === 'STATE_READY' ? server : null;
  });
  step(`ready ${ready.addresses.join(' ')} ${ready.dns_name}`);
  if (ready.addresses.length === 0) throw new Error('a READY server has no address');
  saw('created, and watched to READY');

  await servers.call('DeleteServer', { name: made.name, request_id: randomUUID() });
  step('deleting');
  let seen = false;
  await watch(made.name, ({ change, server }) => {
    seen ||= Boolean(server);
    return change === 'CHANGE_TYPE_REMOVED' || (change === 'CHANGE_TYPE_IN_SYNC' && !seen);
  });
  saw('deleted, and watched to REMOVED');
  const gone = await servers.call('GetServer', { name: made.name }).then(() => null, (error) => error);
  if (gone?.code !== grpc.status.NOT_FOUND) throw new Error('the deleted server can still be read');
  saw('a deleted server is NOT_FOUND');
}

/** The details of an error by their type's short name: what the status carries beyond code and words. */
function details(error) {
  const [raw] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!raw) throw new Error('an error came without its details');
  return Object.fromEntries(google.rpc.Status.deserialize(raw).details.map(({ type_url: url, value }) => {
    const type = url.slice(url.lastIndexOf('.') + 1);
    return [type, google.rpc[type].deserialize(value)];
  }));
}

async function failures() {
  const wrong = await flavors.call('CreateFlavor', { flavor_id: 'Not Good', flavor: {}, request_id: randomUUID() })
    .then(() => null, (error) => error);
  if (wrong?.code !== grpc.status.INVALID_ARGUMENT) throw new Error(`a malformed flavor: ${wrong?.message}`);
  const { ErrorInfo: info, BadRequest: bad } = details(wrong);
  if (!info?.reason || !info.domain) throw new Error('no ErrorInfo with reason and domain');
  const fields = (bad?.field_violations ?? []).map((one) => one.field);
  if (fields.length < 3) throw new Error(`not every violation at once: ${fields}`);
  saw('INVALID_ARGUMENT with every violation at once');

  const anonymous = new api.compute.v1.FlavorService(address, credentials);
  const refused = await new Promise((resolve) => {
    anonymous.ListFlavors({}, new grpc.Metadata(), { deadline: Date.now() + 30_000 }, resolve);
  });
  if (refused?.code !== grpc.status.UNAUTHENTICATED || !details(refused).ErrorInfo?.reason)
    throw new Error(`a call without a token: ${refused?.message}`);
  saw('UNAUTHENTICATED without a token');
}

main().then(failures).then(() => process.exit(0), (error) => {
  const code = error.code === undefined ? '' : `${grpc.status[error.code]}: `;
  console.error(`node failed: ${code}${error.details ?? error.message}`);
  process.exit(1);
});
